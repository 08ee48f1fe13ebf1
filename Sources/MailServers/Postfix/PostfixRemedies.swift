import MailModel

/// Remedies in Postfix's own language. Each touches one next hop only, through a table that is put
/// before the ones in use, and is taken back by one line.
///
/// Tables are `texthash`: it needs no `postmap`, only a reload. Source: TLS_README, postconf(5)
/// smtp_tls_policy_maps; postconf(1) -M and -P.
struct PostfixRemedies {
  private let request: RemedyRequest
  private let configuration: PostfixConfiguration?
  private let commands: PostfixCommands

  init(_ request: RemedyRequest) {
    self.request = request
    configuration = request.configuration as? PostfixConfiguration
    commands = PostfixCommands(domain: request.domain, configuration: configuration)
  }

  /// Least weakening first.
  var all: [Remedy] {
    switch request.failureClass {
    case .certificateNotTrusted: pinned + privateAuthority + [entry(.noVerification, "encrypt")]
    case .certificateSelfSigned, .certificateExpired, .certificateNotYetValid,
      .validationFailure, .weakSignature:
      pinned + [entry(.noVerification, "encrypt")]
    // With DANE the records decide: to pin what was shown would be to pin the man in the middle.
    case .tlsaInvalid: (isDANE ? [] : pinned) + [entry(.noVerification, "encrypt")]
    case .certificateHostMismatch: otherName + pinned + [entry(.noVerification, "encrypt")]
    case .clientCertificateRejected: [withoutClientCertificate]
    case .protocolVersionMismatch: [olderProtocol, entry(.plaintext, "none")]
    case .noSharedCipher, .weakKey:
      [
        entry(.lowerSecurityLevel, kept(["ciphers": "medium", "exclude": "kDHE"])),
        entry(.plaintext, "none"),
      ]
    case .handshakeTimeout, .handshakeDisconnected, .otherTLS, .plaintextOnTLSPort:
      [
        entry(.tls12AtMost, kept(["protocols": "!SSLv2:!SSLv3:!TLSv1:!TLSv1.1:!TLSv1.3"])),
        entry(.plaintext, "none"),
      ]
    case .startTLSNotSupported, .startTLSRefused, .startTLSStripped:
      [entry(.plaintext, "may")]
    case .daneRequired, .dnssecInvalid: [entry(.noVerification, "encrypt")]
    case .tlsRequiredByReceiver: [entry(.asConfigured, "encrypt")]
    default: []
    }
  }

  /// OpenSSL 3 speaks TLS 1.0 and 1.1 at security level 0 only, and Postfix goes down to that only
  /// where no certificate is verified.
  private var olderProtocol: Remedy {
    let level = request.policy?.level ?? .may
    guard ![.none, .may, .encrypt].contains(level) else {
      return entry(.olderProtocol, kept(["protocols": "!SSLv2:!SSLv3"]))
    }
    var remedy = entry(.olderProtocol, "encrypt protocols=!SSLv2:!SSLv3")
    remedy.risk += " The peer is not authenticated: someone on the path can pose as it."
    if request.policy?.origin == .destination {
      remedy.refused =
        "Level \(level.rawValue) is demanded for this very destination, and older versions work "
        + "only without it."
    }
    return remedy
  }

  private var isDANE: Bool {
    request.policy?.level == .dane || request.policy?.level == .daneOnly
  }

  /// The policy in force with attributes changed: what it demands besides stays. An entry that is
  /// there replaces the general level whole, so ours carries all of it.
  private func kept(_ changes: [String: String]) -> String {
    var words = [request.policy?.level.rawValue ?? TLSLevel.may.rawValue]
    if words[0] == TLSLevel.none.rawValue { words[0] = TLSLevel.may.rawValue }
    let old = configuration?.policyEntry(nextHop: commands.route.nextHop)?.singleLine ?? ""
    for attribute in old.split(whereSeparator: { " \t,".contains($0) }).dropFirst() {
      let name = attribute.prefix { $0 != "=" }
      let isPlain = attribute.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x27 && $0 != 0x5c }
      if changes[String(name)] == nil, isPlain { words.append(String(attribute)) }
    }
    words += changes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return words.joined(separator: " ")
  }

  /// `AB:CD:…` of what a probe saw; the key's outlives the certificate.
  private var fingerprint: String? {
    guard let hex = request.publicKeyFingerprint ?? request.certificateFingerprint,
      hex.count == 64, hex.utf8.allSatisfy({ isxdigit($0) })
    else { return nil }
    let digits = Array(hex.uppercased())
    return stride(from: 0, to: 64, by: 2).map { String(digits[$0..<($0 + 2)]) }
      .joined(separator: ":")
  }

  private func isxdigit(_ byte: UInt8) -> Bool {
    (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66)
  }

  private var pinned: [Remedy] {
    guard let fingerprint else { return [] }
    let check =
      "posttls-finger -c -d sha256 -l fingerprint '\(commands.route.nextHop)' \(fingerprint)"
      + " 2>&1 | grep 'Verified TLS connection'"
    guard !commands.digestIsSHA256 else {
      var remedy = entry(.pinnedCertificate, "fingerprint match=\(fingerprint)")
      remedy.verify.append(check)
      return [remedy]
    }
    // Another digest is in force, or may be: to change it for all would break the pins there are.
    var remedy = base(.pinnedCertificate)
    let service = "mailtriage-pin-\(fingerprint.filter(\.isHexDigit).prefix(8).lowercased())"
    let settings = [
      "smtp_tls_security_level=fingerprint", "smtp_tls_policy_maps=",
      "smtp_tls_fingerprint_digest=sha256", "smtp_tls_fingerprint_cert_match=\(fingerprint)",
    ]
    remedy.configuration = commands.transportConfiguration(service, settings)
    remedy.apply = commands.applyTransport(service, settings)
    remedy.verify = commands.verifyTransport(service) + [check]
    remedy.undo = commands.undoTransport
    return [remedy]
  }

  private var otherName: [Remedy] {
    guard !request.certificateNames.isEmpty else { return [] }
    let names = request.certificateNames.prefix(4).map(\.description)
    var remedy = entry(.certificateName, "secure match=\(names.joined(separator: ":"))")
    remedy.verify.append(
      "posttls-finger -c -l secure \(commands.authorities) '\(commands.route.nextHop)'"
        + " \(names.joined(separator: " ")) 2>&1 | grep 'Verified TLS connection'"
    )
    return [remedy]
  }

  /// Trust in the authority that signed the peer's certificate, for this next hop alone; offered only
  /// where a probe saw the certificate.
  private var privateAuthority: [Remedy] {
    guard let host = request.nextHops.first, fingerprint != nil else { return [] }
    let file = commands.directory + "/mailtriage-ca-\(request.domain).pem"
    let names = request.certificateNames.prefix(4).map(\.description).joined(separator: ":")
    let level = request.policy?.level == .verify || names.isEmpty ? "verify" : "secure"
    let policy = "\(level) tafile=\(file)" + (names.isEmpty ? "" : " match=\(names)")
    var remedy = entry(.pinnedCertificate, policy)
    remedy.title = "Trust the authority of \(request.domain), for it alone"
    remedy.risk =
      "Compare the authority's fingerprint with what their postmaster says over the telephone."
    remedy.apply.insert(
      contentsOf: [
        "openssl s_client -starttls smtp -connect \(host):25 -showcerts </dev/null 2>/dev/null"
          + " | awk '/BEGIN CERT/{c=\"\"} {c=c $0 \"\\n\"} /END CERT/{l=c} END{printf \"%s\", l}'"
          + " > \(file)",
        "openssl x509 -in \(file) -noout -subject -fingerprint -sha256",
      ],
      at: 0
    )
    return [remedy]
  }

  private var withoutClientCertificate: Remedy {
    let service = "mailtriage-nocert"
    let settings = ["smtp_tls_cert_file=", "smtp_tls_key_file=", "smtp_tls_chain_files="]
    var remedy = base(.noClientCertificate)
    remedy.configuration = commands.transportConfiguration(service, settings)
    remedy.apply = commands.applyTransport(service, settings)
    // posttls-finger(1) shows no certificate unless told to.
    remedy.verify =
      commands.verifyTransport(service) + [
        "posttls-finger -c -l encrypt '\(commands.route.nextHop)' 2>&1 | tail -3"
      ]
    remedy.undo = commands.undoTransport
    return remedy
  }

  /// A policy-map entry for the next hop.
  private func entry(_ rung: LadderRung, _ policy: String) -> Remedy {
    var remedy = base(rung)
    let until = remedy.weakens == .nothing ? "" : ", until \(request.validUntil.rfc3339)"
    let note = "\(request.failureClass.rawValue)\(until)"
    remedy.configuration = commands.policyConfiguration(policy, note: note)
    remedy.apply = commands.applyPolicy(policy, note: note)
    remedy.verify = commands.verifyPolicy
    if rung != .pinnedCertificate, rung != .certificateName {
      remedy.verify.append(
        "posttls-finger -c -l \(rung == .plaintext ? "may" : "encrypt")"
          + "\(PostfixRemedies.probing(rung)) '\(commands.route.nextHop)' 2>&1 | tail -3"
          // It says nothing of a peer that does not offer TLS.
          + (rung == .plaintext ? " | grep . || echo 'no STARTTLS is offered'" : "")
      )
    }
    remedy.undo = commands.undoPolicy
    return remedy
  }

  /// posttls-finger's options that try what the entry allows.
  private static func probing(_ rung: LadderRung) -> String {
    switch rung {
    case .tls12AtMost: " -p '!SSLv2:!SSLv3:!TLSv1:!TLSv1.1:!TLSv1.3'"
    case .olderProtocol: " -p '!SSLv2:!SSLv3'"
    case .lowerSecurityLevel: " -g medium"
    default: ""
    }
  }

  private func base(_ rung: LadderRung) -> Remedy {
    // It pins the key, which outlives the certificate.
    var risk =
      rung == .pinnedCertificate ? "Mail waits again when the peer changes its key." : rung.risk
    if commands.route.isRelayed, rung != .noClientCertificate {
      risk += " It holds for all mail over \(commands.route.nextHop)."
    }
    return Remedy(
      title: rung.title(for: request.domain),
      weakens: rung.weakens,
      rung: rung,
      flush: commands.flush(canary: request.waitingQueueIDs.first(where: \.isQueueIDWord)),
      validUntil: rung.weakens == .nothing ? nil : request.validUntil,
      risk: risk
    )
  }
}
