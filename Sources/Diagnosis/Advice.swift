package import MailModel

/// What to do about a class of failure, in short sentences, least weakening first.
package enum Advice {
  package static func sentences(for failureClass: FailureClass) -> [String] {
    switch failureClass {
    case .certificateSelfSigned, .certificateNotTrusted, .validationFailure:
      [
        "Ask the remote postmaster for a certificate of a public authority with its full chain.",
        "Pin the certificate or its key for this destination.",
        "Encrypt without authentication to this destination, for a limited time.",
      ]
    case .certificateExpired, .certificateNotYetValid:
      [
        "Check our own clock.", "Ask the remote postmaster to renew the certificate.",
        "Encrypt without authentication to this destination until then.",
      ]
    case .certificateHostMismatch:
      [
        "Ask the remote postmaster for a certificate with the mail host's name.",
        "Accept the name that the certificate carries, for this destination.",
      ]
    case .certificateRevoked: ["Tell the remote postmaster. Do not work around a revocation."]
    case .clientCertificateRejected:
      ["Show no client certificate to this destination, or one that it accepts."]
    case .protocolVersionMismatch, .noSharedCipher, .weakKey, .weakSignature:
      [
        "Ask the remote postmaster to update its TLS.",
        "Allow the older version, cipher or key for this destination only.",
      ]
    case .startTLSNotSupported, .startTLSRefused:
      [
        "Ask the remote postmaster to offer STARTTLS, or to repair it.",
        "Lower the level for this destination to opportunistic TLS.",
      ]
    case .startTLSStripped:
      ["Find the firewall or proxy that rewrites SMTP on the path; it may be an attack."]
    case .plaintextOnTLSPort:
      ["Check port and mode: STARTTLS on 25 and 587, TLS from the first byte on 465."]
    case .handshakeTimeout:
      [
        "Test the path for lost large packets (path MTU).",
        "Use TLS 1.2 at most for this destination.",
      ]
    case .handshakeDisconnected, .otherTLS:
      [
        "Probe the host to see where the handshake breaks.",
        "Use TLS 1.2 at most for this destination.",
      ]
    case .tlsRequiredByReceiver: ["Turn on TLS for this destination."]
    case .localTLSMisconfiguration:
      ["Repair our certificate, key, CA file or TLS setting; see the line before."]
    case .tlsaInvalid: ["Ask the remote postmaster to correct its TLSA records."]
    case .dnssecInvalid: ["Check our resolver; ask the remote side to repair DNSSEC."]
    case .daneRequired: ["Use dane instead of dane-only for this destination."]
    case .stsPolicyFetchError, .stsPolicyInvalid, .stsWebPKIInvalid:
      ["Ask the remote side to repair its MTA-STS policy."]
    case .greylisted: ["Wait: the mail goes out at a later attempt."]
    case .mailboxFull: ["Only the recipient can make room."]
    case .mailboxUnavailable: ["Correct the address."]
    case .connectionRefused, .connectionTimeout, .connectionLost:
      ["Test the connection to the host from here and from elsewhere."]
    case .dnsFailure: ["Look up the domain's MX records here and elsewhere."]
    case .rateLimited: ["Send fewer messages at a time to this destination."]
    case .policyRejected, .contentRejected: ["Ask the remote postmaster which rule applies."]
    case .reputationBlocked: ["Check our address on blocklists; ask for its removal."]
    case .authenticationFailure: ["Check user name and password for the relay."]
    case .messageTooLarge: ["Send a smaller message."]
    case .localFailure: ["Look at this server's own trouble first."]
    case .other: []
    }
  }

  /// The same in a few words, for a table.
  package static func brief(for failureClass: FailureClass) -> String {
    switch failureClass {
    case .certificateSelfSigned, .certificateNotTrusted, .validationFailure: "pin, or tell them"
    case .certificateExpired, .certificateNotYetValid: "tell them to renew"
    case .certificateHostMismatch: "match their name"
    case .certificateRevoked: "tell them; wait"
    case .clientCertificateRejected: "no client cert"
    case .protocolVersionMismatch, .noSharedCipher, .weakKey, .weakSignature: "tell them: update"
    case .startTLSNotSupported, .startTLSRefused: "tell them, or may"
    case .startTLSStripped: "check firewall"
    case .plaintextOnTLSPort: "check port, mode"
    case .handshakeTimeout: "check path's MTU"
    case .handshakeDisconnected, .otherTLS: "probe the host"
    case .tlsRequiredByReceiver: "turn TLS on for it"
    case .localTLSMisconfiguration: "fix our TLS set-up"
    case .tlsaInvalid, .dnssecInvalid: "tell them: DNS"
    case .daneRequired: "use level dane"
    case .stsPolicyFetchError, .stsPolicyInvalid, .stsWebPKIInvalid: "tell them: MTA-STS"
    case .greylisted: "wait"
    case .mailboxFull, .mailboxUnavailable: "nothing of ours"
    case .connectionRefused, .connectionTimeout, .connectionLost: "test connection"
    case .dnsFailure: "look up its MX"
    case .rateLimited: "send more slowly"
    case .policyRejected, .contentRejected: "ask which rule"
    case .reputationBlocked: "check blocklists"
    case .authenticationFailure: "check the password"
    case .messageTooLarge: "send less"
    case .localFailure: "look at our log"
    case .other: "read its reply"
    }
  }

  /// A class in at most 17 letters, for a narrow table.
  package static func label(for failureClass: FailureClass) -> String {
    switch failureClass {
    case .startTLSNotSupported: "no STARTTLS"
    case .certificateHostMismatch: "cert: wrong name"
    case .certificateExpired: "cert: expired"
    case .certificateNotTrusted: "cert: unknown CA"
    case .validationFailure: "cert: unverified"
    case .tlsaInvalid: "TLSA: mismatch"
    case .dnssecInvalid: "DNSSEC broken"
    case .daneRequired: "no TLSA records"
    case .stsPolicyFetchError: "MTA-STS: none got"
    case .stsPolicyInvalid: "MTA-STS: invalid"
    case .stsWebPKIInvalid: "MTA-STS: web cert"
    case .certificateSelfSigned: "cert: self-signed"
    case .certificateNotYetValid: "cert: too early"
    case .certificateRevoked: "cert: revoked"
    case .clientCertificateRejected: "our client cert"
    case .protocolVersionMismatch: "TLS version"
    case .noSharedCipher: "no shared cipher"
    case .weakKey: "weak key"
    case .weakSignature: "weak signature"
    case .startTLSRefused: "STARTTLS refused"
    case .startTLSStripped: "STARTTLS stripped"
    case .plaintextOnTLSPort: "no TLS on port"
    case .handshakeTimeout: "handshake stalls"
    case .handshakeDisconnected: "handshake breaks"
    case .tlsRequiredByReceiver: "they demand TLS"
    case .localTLSMisconfiguration: "our TLS set-up"
    case .otherTLS: "TLS fails"
    case .connectionRefused: "conn. refused"
    case .connectionTimeout: "conn. timeout"
    case .connectionLost: "conn. lost"
    case .mailboxUnavailable: "no such mailbox"
    case .authenticationFailure: "login refused"
    case .messageTooLarge: "too large"
    case .contentRejected: "content refused"
    case .reputationBlocked: "bad reputation"
    default: failureClass.rawValue
    }
  }
}
