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
    case .clientCertificateRejected: "show no client cert"
    case .protocolVersionMismatch, .noSharedCipher, .weakKey, .weakSignature: "tell them to update"
    case .startTLSNotSupported, .startTLSRefused: "tell them, or may"
    case .startTLSStripped: "check the firewall"
    case .plaintextOnTLSPort: "check port and mode"
    case .handshakeTimeout: "check the path's MTU"
    case .handshakeDisconnected, .otherTLS: "probe the host"
    case .tlsRequiredByReceiver: "turn TLS on for it"
    case .localTLSMisconfiguration: "repair our TLS setup"
    case .tlsaInvalid, .dnssecInvalid: "tell them: DNS"
    case .daneRequired: "dane, not dane-only"
    case .stsPolicyFetchError, .stsPolicyInvalid, .stsWebPKIInvalid: "tell them: MTA-STS"
    case .greylisted: "wait"
    case .mailboxFull, .mailboxUnavailable: "nothing of ours"
    case .connectionRefused, .connectionTimeout, .connectionLost: "test the connection"
    case .dnsFailure: "look up its MX"
    case .rateLimited: "send less at a time"
    case .policyRejected, .contentRejected: "ask which rule"
    case .reputationBlocked: "check blocklists"
    case .authenticationFailure: "check the password"
    case .messageTooLarge: "send less"
    case .localFailure: "look at our log"
    case .other: "read its reply"
    }
  }
}
