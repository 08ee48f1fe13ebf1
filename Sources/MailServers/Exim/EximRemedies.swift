import MailModel

/// Remedies for Exim: a copy of the router and the transport in use, for the one domain, with other TLS
/// options. Source: the specification, chapters 30 and 43.
struct EximRemedies {
  private let request: RemedyRequest
  private let commands: EximCommands
  private let transport: EximDriver
  /// Nil where the configuration does not tell.
  private let isOpenSSL: Bool?

  init(_ request: RemedyRequest) {
    self.request = request
    let configuration = request.configuration as? EximConfiguration
    commands = EximCommands(domain: request.domain, configuration: configuration)
    transport = commands.transport
    isOpenSSL = configuration?.isOpenSSL
  }

  /// Options of the transport: those set, and those taken out so that their default holds.
  private struct Change {
    var rung: LadderRung
    var set: [String] = []
    var dropped: [String] = []
    var title: String?
    /// What is to be known beside the rung's risk.
    var caveat: String?
  }

  /// Least weakening first.
  var all: [Remedy] { changes.map(remedy) }

  private var changes: [Change] {
    switch request.failureClass {
    case .certificateSelfSigned, .certificateNotTrusted, .certificateExpired,
      .certificateNotYetValid, .validationFailure, .weakSignature:
      pinned + [unverified]
    case .tlsaInvalid, .daneRequired, .dnssecInvalid: [withoutDANE]
    case .certificateHostMismatch: otherName + pinned + [anyName]
    case .clientCertificateRejected:
      [
        Change(rung: .noClientCertificate, dropped: ["tls_certificate", "tls_privatekey"]),
        avoiding,
      ]
    case .protocolVersionMismatch: [olderProtocol] + plaintext
    case .noSharedCipher: [weaker(primeBits: 1024)] + plaintext
    case .weakKey: [weaker(primeBits: 512)] + plaintext
    case .handshakeTimeout, .handshakeDisconnected, .otherTLS, .plaintextOnTLSPort:
      tls12AtMost + plaintext
    case .startTLSNotSupported, .startTLSRefused, .startTLSStripped: [fallback]
    case .tlsRequiredByReceiver:
      [Change(rung: .asConfigured, set: ["hosts_require_tls = *"], dropped: ["hosts_avoid_tls"])]
    default: []
    }
  }

  // MARK: - Authentication

  /// With neither `tls_verify_hosts` nor `tls_try_verify_hosts`, a transport that names authorities
  /// verifies every host.
  private static let encrypted = ["hosts_require_tls = *", "tls_try_verify_hosts = *"]
  private static let verification = ["tls_verify_hosts", "tls_verify_cert_hostnames"]

  private var unverified: Change {
    Change(
      rung: .noVerification,
      set: EximRemedies.encrypted,
      dropped: EximRemedies.verification
    )
  }

  private var withoutDANE: Change {
    Change(
      rung: .noVerification,
      set: EximRemedies.encrypted + ["hosts_try_dane ="],
      dropped: EximRemedies.verification + ["hosts_require_dane"]
    )
  }

  /// The authority is still asked for.
  private var anyName: Change {
    Change(
      rung: .noVerification,
      set: ["hosts_require_tls = *", "tls_verify_hosts = *", "tls_verify_cert_hostnames ="]
    )
  }

  /// Exim asks an event about each certificate of the chain, the peer's own as number 0, and takes any
  /// answer for a refusal.
  private func checked(_ condition: String) -> String? {
    guard transport["event_action"] == nil else { return nil }
    return "event_action = ${if and{{eq{$event_name}{tls:cert}}{eq{$event_data}{0}}"
      + "{\(condition)}}{not the certificate that mailtriage saw}}"
  }

  private var pinned: [Change] {
    guard let fingerprint = request.certificateFingerprint, fingerprint.utf8.count == 64,
      fingerprint.allSatisfy(\.isHexDigit),
      let check = checked("!eqi{\(fingerprint.uppercased())}{${sha256:$tls_out_peercert}}")
    else { return [] }
    return [
      Change(
        rung: .pinnedCertificate,
        set: EximRemedies.encrypted + [check],
        dropped: EximRemedies.verification
      )
    ]
  }

  private var otherName: [Change] {
    let names = request.certificateNames.prefix(4).map(\.description).joined(separator: ":")
    guard !names.isEmpty,
      let check = checked(
        "!forany{\(names)}"
          + "{inlisti{$item}{${certextract{subj_altname,dns,>:}{$tls_out_peercert}}}}"
      )
    else { return [] }
    return [
      Change(
        rung: .certificateName,
        set: anyName.set + [check]
      )
    ]
  }

  // MARK: - Protocol and ciphers

  private var olderProtocol: Change {
    Change(
      rung: .olderProtocol,
      set: ciphers(
        gnuTLS: "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1",
        openSSL: "DEFAULT:@SECLEVEL=0"
      )
    )
  }

  private func weaker(primeBits: Int) -> Change {
    Change(
      rung: .lowerSecurityLevel,
      set: ciphers(gnuTLS: "LEGACY", openSSL: "ALL:!aNULL:@SECLEVEL=0")
        + ["tls_dh_min_bits = \(primeBits)"]
    )
  }

  /// With OpenSSL a transport has no say in that.
  private var tls12AtMost: [Change] {
    let now = transport["tls_require_ciphers"] ?? "NORMAL"
    let set = ciphers(gnuTLS: now + ":-VERS-TLS1.3", openSSL: nil)
    guard !set.isEmpty else { return [] }
    let caveat = "It changes nothing where Exim was built with OpenSSL, which `exim -bV` tells."
    return [Change(rung: .tls12AtMost, set: set, caveat: isOpenSSL == nil ? caveat : nil)]
  }

  /// The server knows which library it was built with.
  private func ciphers(gnuTLS: String, openSSL: String?) -> [String] {
    let gnuTLS = "tls_require_ciphers = " + gnuTLS
    let openSSL = openSSL.map { "tls_require_ciphers = " + $0 }
    if let isOpenSSL { return isOpenSSL ? openSSL.map { [$0] } ?? [] : [gnuTLS] }
    return [".ifdef _HAVE_GNUTLS", gnuTLS] + (openSSL.map { [".else", $0] } ?? []) + [".endif"]
  }

  // MARK: - Plaintext

  private static let demands = [
    "hosts_require_tls", "tls_verify_hosts", "tls_tempfail_tryclear", "hosts_require_dane",
  ]

  private var plaintext: [Change] {
    EximRemedies.demands.contains { transport[$0] != nil } ? [fallback, avoiding] : [avoiding]
  }

  /// In clear where TLS fails; TLS comes back by itself.
  private var fallback: Change {
    Change(
      rung: .plaintext,
      dropped: EximRemedies.demands,
      title: "Allow plaintext to \(request.domain) while TLS fails"
    )
  }

  /// Where the peer breaks a session that began well, there is no falling back.
  private var avoiding: Change {
    Change(
      rung: .plaintext,
      set: ["hosts_avoid_tls = *"],
      dropped: EximRemedies.demands,
      title: "Use no TLS with \(request.domain)"
    )
  }

  // MARK: - As commands

  private func remedy(_ change: Change) -> Remedy {
    let rung = change.rung
    let until = rung.weakens == .nothing ? "" : ", until \(request.validUntil.rfc3339)"
    let note = "\(request.failureClass.rawValue)\(until)"
    let router = commands.routerLines(note: note)
    let transport = commands.transportLines(change.set, without: change.dropped, note: note)
    return Remedy(
      title: change.title ?? EximRemedies.title(rung, request.domain),
      weakens: rung.weakens,
      rung: rung,
      configuration: (["# \(commands.routerFile)"] + router + ["# \(commands.transportFile)"]
        + transport).joined(separator: "\n"),
      apply: commands.apply(router: router, transport: transport),
      verify: commands.verify,
      flush: commands.flush(canary: request.waitingQueueIDs.first(where: \.isQueueIDWord)),
      undo: commands.undo,
      validUntil: rung.weakens == .nothing ? nil : request.validUntil,
      risk: [rung.risk, change.caveat].compactMap(\.self).joined(separator: " ")
    )
  }

  private static func title(_ rung: LadderRung, _ domain: HostName) -> String {
    rung == .lowerSecurityLevel
      ? "Allow weaker ciphers and shorter keys for \(domain)" : rung.title(for: domain)
  }
}
