import MailModel

/// Remedies in sendmail's access map, keyed by the peer's host name. What is set for one host takes the
/// place of what is set for everyone. Source: Sendmail cf/README (STARTTLS), cf/m4/proto.m4.
struct SendmailRemedies {
  private let request: RemedyRequest
  private let configuration: SendmailConfiguration?

  init(_ request: RemedyRequest) {
    self.request = request
    configuration = request.configuration as? SendmailConfiguration
  }

  /// Least weakening first.
  var all: [Remedy] {
    guard !request.nextHops.isEmpty else { return [] }
    return changes.map { remedy($0.rung, $0.entries) }
  }

  /// A tag and the value that it takes for each of the peer's hosts.
  private typealias Entry = (tag: String, value: String)

  private var changes: [(rung: LadderRung, entries: [Entry])] {
    switch request.failureClass {
    case .certificateHostMismatch:
      request.certificateNames.prefix(1).map {
        (.certificateName, [("TLS_Srv", "VERIFY+CN:\($0)")])
      } + [unverified]
    case .certificateSelfSigned, .certificateNotTrusted, .certificateExpired,
      .certificateNotYetValid, .validationFailure:
      [unverified]
    case .weakSignature: [unverified] + session(.lowerSecurityLevel)
    case .weakKey:
      // A short key for the key exchange breaks the handshake, whether the peer is verified or not.
      (isVerified ? [unverified] : []) + session(.lowerSecurityLevel) + [fallback]
    case .protocolVersionMismatch: session(.olderProtocol) + [fallback]
    // OpenSSL 3 has no cipher at a lower level that it has not at its own, but for those without
    // authentication: where that helps, a retry says so.
    case .noSharedCipher:
      (request.provenRung == .lowerSecurityLevel ? session(.lowerSecurityLevel) : []) + [fallback]
    case .handshakeTimeout, .handshakeDisconnected, .otherTLS: tls12AtMost + [fallback]
    case .plaintextOnTLSPort: [fallback]
    // The alert may come once the handshake is over, when there is no falling back.
    case .clientCertificateRejected: [plaintext]
    case .startTLSNotSupported, .startTLSRefused, .startTLSStripped:
      [(.plaintext, [("TLS_Srv", "OK")])]
    case .tlsRequiredByReceiver: [(.asConfigured, [("Try_TLS", "YES")])]
    default: []
    }
  }

  private var unverified: (rung: LadderRung, entries: [Entry]) {
    (.noVerification, [("TLS_Srv", "ENCR:112")])
  }

  private var plaintext: (rung: LadderRung, entries: [Entry]) {
    (.plaintext, [("TLS_Srv", "OK"), ("Try_TLS", "NO")])
  }

  /// In clear where the handshake fails; TLS comes back by itself. Without the feature: no TLS at all.
  private var fallback: (rung: LadderRung, entries: [Entry]) {
    hasSessionFeatures
      ? (.plaintext, [("TLS_Srv", "OK"), ("TLS_Clt_Features", "Flags=C")]) : plaintext
  }

  private func session(_ rung: LadderRung) -> [(rung: LadderRung, entries: [Entry])] {
    hasSessionFeatures ? [(rung, [("TLS_Clt_Features", "CipherList=ALL:@SECLEVEL=0")])] : []
  }

  private var tls12AtMost: [(rung: LadderRung, entries: [Entry])] {
    hasSessionFeatures
      ? [(.tls12AtMost, [("TLS_Clt_Features", "Options=SSL_OP_NO_TLSv1_3")])] : []
  }

  /// Whether a rule, or one that may be there, demands a certificate that can be verified.
  private var isVerified: Bool {
    switch request.policy?.level {
    case .none?, .may?, .encrypt?: false
    default: true
    }
  }

  private var hasSessionFeatures: Bool { configuration?.hasSessionFeatures ?? false }

  // MARK: - As commands

  private func remedy(_ rung: LadderRung, _ entries: [Entry]) -> Remedy {
    let hops = Array(request.nextHops.prefix(8))
    var lines = hops.flatMap { hop in entries.map { "\($0.tag):\(hop) \($0.value)" } }
    var keys = hops.flatMap { hop in entries.map { "\($0.tag):\(hop)" } }
    // A rule for every recipient would still demand what the host's rule no longer does.
    if let entry = entries.first(where: { $0.tag == "TLS_Srv" }),
      configuration?.rule("tls_rcpt", for: [request.domain.description]) != nil
    {
      lines.append("TLS_Rcpt:\(request.domain) \(entry.value)")
      keys.append("TLS_Rcpt:\(request.domain)")
    }
    let until = rung.weakens == .nothing ? "" : " until \(request.validUntil.rfc3339)"
    let comment = "# mailtriage: \(request.domain) \(request.failureClass.rawValue)\(until)"
    let pattern = "(" + keys.map(SendmailRemedies.escaped).joined(separator: "|") + ")[[:space:]]"
    let added = ([comment] + lines).map { "'\($0)'" }.joined(separator: " ")
    return Remedy(
      title: title(rung),
      weakens: rung.weakens,
      rung: rung,
      configuration: (["# \(file)"] + needs + [comment] + lines).joined(separator: "\n"),
      apply: [
        "sed -i -E 's/^(\(pattern))/#mailtriage# \\1/I' \(file)",
        "printf '%s\\n' \(added) >> \(file)", makeMap,
      ],
      verify: keys.prefix(4).map { "echo '/map access \($0)' | sendmail -bt" },
      flush: flush,
      undo: [
        "sed -i -E -e '/^\(pattern)/Id' "
          + "-e '/^# mailtriage: \(SendmailRemedies.escaped(request.domain.description)) /d' "
          + "-e 's/^#mailtriage# (\(pattern))/\\1/I' \(file)", makeMap,
      ],
      validUntil: rung.weakens == .nothing ? nil : request.validUntil,
      risk: risk(rung)
    )
  }

  private var file: String { map.path }

  private var makeMap: String { "makemap \(map.type) \(map.path) < \(map.path)" }

  private var map: (type: String, path: String) {
    guard let map = configuration?.accessMap, map.type.isPlainWord, map.path.isPlainWord else {
      return ("hash", "/etc/mail/access")
    }
    return map
  }

  private var needs: [String] {
    guard let configuration, configuration.hasTimers, configuration.accessMap == nil else {
      return []
    }
    return ["# needs FEATURE(`access_db') in sendmail.mc"]
  }

  /// One message first, then the rest of the destination.
  private var flush: [String] {
    var steps: [String] = []
    if configuration?.keepsHostStatus ?? false {
      steps.append("purgestat   # forget that its hosts failed")
    }
    if let canary = request.waitingQueueIDs.first(where: \.isQueueIDWord) {
      steps.append("sendmail -v -qI\(canary)   # one message first; look at its log line")
    }
    return steps + ["sendmail -v -qR@\(request.domain)"]
  }

  private static func escaped(_ text: String) -> String { text.replacing(".", with: "\\.") }

  private func risk(_ rung: LadderRung) -> String {
    switch rung {
    case .asConfigured: "None: TLS is tried again with a peer that asks for it."
    case .olderProtocol, .lowerSecurityLevel:
      "Someone on the path who breaks old ciphers or short keys can read the mail."
    case .plaintext, .tls12AtMost, .certificateName: rung.risk
    default: LadderRung.noVerification.risk
    }
  }

  private func title(_ rung: LadderRung) -> String {
    let domain = request.domain
    return switch rung {
    case .asConfigured: "Use TLS with \(domain) again"
    case .certificateName: "Accept the name in the certificate of \(domain)"
    case .noVerification: "Encrypt to \(domain) without authentication"
    case .tls12AtMost: "Use TLS 1.2 at most with \(domain)"
    case .olderProtocol: "Allow old protocol versions with \(domain)"
    case .lowerSecurityLevel: "Allow weak keys and ciphers with \(domain)"
    default: "Allow plaintext to \(domain)"
    }
  }
}
