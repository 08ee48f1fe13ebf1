import MailModel

/// Remedies for Exim: a router and transport for the one domain, before the general ones, so that
/// nothing else changes. Debian keeps such files in `/etc/exim4/conf.d`.
struct EximRemedies {
  private let request: RemedyRequest

  init(_ request: RemedyRequest) { self.request = request }

  /// Least weakening first.
  var all: [Remedy] {
    switch request.failureClass {
    case .certificateSelfSigned, .certificateNotTrusted, .certificateExpired,
      .certificateNotYetValid, .validationFailure, .weakSignature, .tlsaInvalid:
      [
        remedy(
          .noVerification,
          ["tls_verify_hosts =", "tls_try_verify_hosts =", "hosts_require_tls = *"]
        )
      ]
    case .certificateHostMismatch:
      [
        remedy(
          .noVerification,
          ["tls_verify_cert_hostnames =", "tls_verify_hosts = *", "hosts_require_tls = *"]
        )
      ]
    case .clientCertificateRejected:
      [remedy(.noClientCertificate, ["hosts_require_tls = *"])]
    case .protocolVersionMismatch, .noSharedCipher:
      [
        remedy(
          .olderProtocol,
          ["tls_require_ciphers = NORMAL:+VERS-TLS1.0:+VERS-TLS1.1", "hosts_require_tls = *"]
        ),
        remedy(.plaintext, ["hosts_avoid_tls = *"]),
      ]
    case .weakKey:
      [remedy(.lowerSecurityLevel, ["tls_dh_min_bits = 512", "hosts_require_tls = *"])]
    case .handshakeTimeout, .handshakeDisconnected, .otherTLS, .plaintextOnTLSPort:
      [
        remedy(
          .tls12AtMost,
          ["tls_require_ciphers = NORMAL:-VERS-TLS1.3", "hosts_require_tls = *"]
        ),
        remedy(.plaintext, ["hosts_avoid_tls = *"]),
      ]
    case .startTLSNotSupported, .startTLSRefused, .startTLSStripped:
      [remedy(.plaintext, ["hosts_require_tls ="])]
    case .tlsRequiredByReceiver: [remedy(.asConfigured, ["hosts_require_tls = *"])]
    default: []
    }
  }

  private func remedy(_ rung: LadderRung, _ options: [String]) -> Remedy {
    let domain = request.domain
    let name =
      "mailtriage_" + String(domain.description.map { $0.isLetter || $0.isNumber ? $0 : "_" })
    let until = rung.weakens == .nothing ? "" : "  until \(request.validUntil.rfc3339)"
    let router = "/etc/exim4/conf.d/router/190_\(name)"
    let transport = "/etc/exim4/conf.d/transport/20_\(name)"
    var flush: [String] = []
    if let canary = request.waitingQueueIDs.first(where: \.isQueueIDWord) {
      flush.append("exim -M \(canary)   # one message first; look at its log line")
    }
    flush.append("exim -Rf \(domain)")
    return Remedy(
      title: EximRemedies.title(rung, domain),
      weakens: rung.weakens,
      rung: rung,
      configuration: """
        # \(router)
        # mailtriage: \(request.failureClass.rawValue)\(until)
        \(name):
          driver = dnslookup
          domains = \(domain)
          transport = \(name)
          same_domain_copy_routing = yes
        # \(transport)
        \(name):
          driver = smtp
        \(options.map { "  " + $0 }.joined(separator: "\n"))
        """,
      apply: ["update-exim4.conf", "exim -bV", "systemctl reload exim4"],
      verify: ["exim -bt postmaster@\(domain)"],
      flush: flush,
      undo: ["rm -f \(router) \(transport)", "update-exim4.conf", "systemctl reload exim4"],
      validUntil: rung.weakens == .nothing ? nil : request.validUntil,
      risk: EximRemedies.risk(rung)
    )
  }

  private static func title(_ rung: LadderRung, _ domain: HostName) -> String {
    switch rung {
    case .noVerification: "Encrypt to \(domain) without authentication"
    case .noClientCertificate: "Show no client certificate to \(domain)"
    case .tls12AtMost: "Use TLS 1.2 at most for \(domain)"
    case .olderProtocol: "Allow older TLS versions for \(domain)"
    case .lowerSecurityLevel: "Allow shorter keys for \(domain)"
    case .plaintext: "Allow plaintext to \(domain)"
    default: "Demand TLS for \(domain)"
    }
  }

  private static func risk(_ rung: LadderRung) -> String {
    switch rung.weakens {
    case .nothing: "None for the mail's secrecy."
    case .authentication: "Someone on the path can pose as the peer and read the mail."
    case .encryptionStrength: "Recorded sessions may be broken later."
    case .encryption: "Anyone on the path can read and change the mail."
    }
  }
}
