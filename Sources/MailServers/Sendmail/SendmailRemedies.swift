import MailModel

/// Remedies in sendmail's access map, keyed by the peer's host name.
struct SendmailRemedies {
  private let request: RemedyRequest

  init(_ request: RemedyRequest) { self.request = request }

  /// Least weakening first.
  var all: [Remedy] {
    guard !request.nextHops.isEmpty else { return [] }
    switch request.failureClass {
    case .certificateSelfSigned, .certificateNotTrusted, .certificateExpired,
      .certificateNotYetValid, .validationFailure, .weakSignature, .tlsaInvalid,
      .certificateHostMismatch:
      let names = request.certificateNames.prefix(1).map {
        remedy(.certificateName, "TLS_Srv", "VERIFY+CN:\($0)")
      }
      return (request.failureClass == .certificateHostMismatch ? names : [])
        + [remedy(.noVerification, "TLS_Srv", "ENCR:112")]
    case .startTLSNotSupported, .startTLSRefused, .startTLSStripped:
      return [remedy(.plaintext, "TLS_Srv", "OK")]
    case .handshakeTimeout, .handshakeDisconnected, .otherTLS, .plaintextOnTLSPort,
      .protocolVersionMismatch, .noSharedCipher, .weakKey, .clientCertificateRejected:
      return [remedy(.plaintext, "Try_TLS", "NO")]
    default: return []
    }
  }

  private func remedy(_ rung: LadderRung, _ tag: String, _ value: String) -> Remedy {
    let domain = request.domain
    let lines = request.nextHops.prefix(8).map { "\(tag):\($0)\t\(value)" }
    let until = rung.weakens == .nothing ? "" : "  until \(request.validUntil.rfc3339)"
    var flush: [String] = []
    if let canary = request.waitingQueueIDs.first(where: \.isQueueIDWord) {
      flush.append("sendmail -v -qI\(canary)   # one message first; look at its log line")
    }
    flush.append("sendmail -v -qR@\(domain)")
    let map = "makemap hash /etc/mail/access < /etc/mail/access"
    return Remedy(
      title: SendmailRemedies.title(rung, domain),
      weakens: rung.weakens,
      rung: rung,
      configuration: ([
        "# /etc/mail/access", "# mailtriage: \(request.failureClass.rawValue)\(until)",
      ] + lines)
      .joined(separator: "\n"),
      apply: lines.map { "printf '%s\\n' '\($0)' >> /etc/mail/access" } + [map],
      verify: ["sendmail -bt < /dev/null"],
      flush: flush,
      undo: request.nextHops.prefix(8).map {
        "sed -i '/^\(tag):\($0.description.replacing(".", with: "\\."))[[:space:]]/d' /etc/mail/access"
      } + [map],
      validUntil: rung.weakens == .nothing ? nil : request.validUntil,
      risk: rung.weakens == .encryption
        ? "Anyone on the path can read and change the mail."
        : rung.weakens == .nothing
          ? "Whoever holds a certificate for that name can take the mail."
          : "Someone on the path can pose as the peer and read the mail."
    )
  }

  private static func title(_ rung: LadderRung, _ domain: HostName) -> String {
    switch rung {
    case .certificateName: "Accept the name in the certificate of \(domain)"
    case .noVerification: "Encrypt to \(domain) without authentication"
    default: "Allow plaintext to \(domain)"
    }
  }
}
