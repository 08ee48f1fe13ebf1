import Experiment
import MailModel
import Reporting
import Triage

/// What a probe found, as each format shows it.
struct ProbeDocument {
  let probe: DestinationProbe

  init(_ probe: DestinationProbe) { self.probe = probe }

  // MARK: JSON

  func json(now: Timestamp) -> JSONValue {
    .object([
      "target": .string(probe.target), "trouble": JSONValue(probe.trouble),
      "class": JSONValue(probe.troubleClass?.rawValue),
      "mx": .array(
        (probe.exchangers?.values ?? []).map {
          .object(["preference": .int($0.preference), "host": .string($0.name)])
        }
      ),
      "hosts": .array(probe.hosts.map { ProbeDocument.json($0, sts: probe.sts?.policy, now: now) }),
      "mta_sts": probe.sts.map(ProbeDocument.json) ?? .null,
      "tls_rpt": JSONValue(probe.tlsReporting),
    ])
  }

  private static func json(_ sts: STSFinding) -> JSONValue {
    .object([
      "mode": JSONValue(sts.mode?.rawValue), "id": JSONValue(sts.id),
      "mx": JSONValue(sts.policy?.mx ?? []), "max_age": sts.policy.map { .int($0.maxAge) } ?? .null,
      "class": JSONValue(sts.failureClass?.rawValue), "detail": JSONValue(sts.detail),
    ])
  }

  private static func json(_ host: HostProbe, sts: STSPolicy?, now: Timestamp) -> JSONValue {
    let session = host.session
    return .object([
      "host": .string(host.host), "address": .string(host.address), "port": .int(Int(host.port)),
      "preference": host.preference.map { .int($0) } ?? .null,
      "stages": .array(session.stages.map(\.json)), "ok": .bool(session.isOK),
      "failed_stage": JSONValue(session.failedStage?.rawValue),
      "class": JSONValue(session.failureClass?.rawValue),
      "capabilities": JSONValue(session.capabilities), "notes": JSONValue(session.notes),
      "tls": session.facts.flatMap { session.hasFinishedHandshake ? json($0, host, now: now) : nil }
        ?? .null,
      "versions": .object(host.versions.mapValues { .bool($0) }),
      "tlsa": .object([
        "records": .int(host.tlsa.values.count), "usable": .bool(host.hasUsableDANE),
        "ok": host.daneSession.map { .bool($0.isOK) } ?? .null,
        "class": JSONValue(host.daneSession?.failureClass?.rawValue),
      ]),
      "mta_sts_allows": sts.map { .bool($0.allows(host.host)) } ?? .null,
    ])
  }

  private static func json(_ facts: TLSFacts, _ host: HostProbe, now: Timestamp) -> JSONValue {
    .object([
      "version": .string(facts.version), "cipher": .string(facts.cipher),
      "cipher_bits": facts.cipherBits.map { .int($0) } ?? .null,
      "server_signature": JSONValue(facts.serverSignature),
      "server_digest": JSONValue(facts.serverDigest),
      "class": JSONValue(
        facts.verificationFailure?.rawValue
          ?? (host.isNameMatched ? nil : FailureClass.certificateHostMismatch.rawValue)
      ),
      "group": JSONValue(facts.group), "verify_code": .int(facts.verifyCode),
      "verify_text": .string(facts.verifyText), "name_matches": .bool(host.isNameMatched),
      "client_certificate_requested": .bool(facts.isClientCertificateRequested),
      "ocsp_staple": JSONValue(facts.ocspStaple), "alerts": JSONValue(facts.alerts),
      "chain": .array(facts.chain.map { json($0, now: now) }),
    ])
  }

  private static func json(_ certificate: CertificateFacts, now: Timestamp) -> JSONValue {
    func moment(_ seconds: Int64?) -> JSONValue {
      JSONValue(seconds.map { Timestamp(seconds: $0) })
    }
    return .object([
      "subject": .string(certificate.subject), "issuer": .string(certificate.issuer),
      "names": JSONValue(certificate.names), "not_before": moment(certificate.notBefore),
      "not_after": moment(certificate.notAfter),
      "days_to_expiry": daysLeft(certificate, now: now).map { .int($0) } ?? .null,
      "key": .string(certificate.keyType), "key_bits": .int(certificate.keyBits),
      "signature": .string(certificate.signature),
      "signature_bits": .int(certificate.signatureBits), "sha256": .string(certificate.fingerprint),
      "public_key_sha256": .string(certificate.publicKeyFingerprint),
    ])
  }

  private static func daysLeft(_ certificate: CertificateFacts, now: Timestamp) -> Int? {
    certificate.notAfter.map {
      Int((Double(clamping($0) - now.seconds) / 86_400).rounded(.down))
    }
  }

  /// A date in a certificate is whatever its maker wrote.
  private static func clamping(_ seconds: Int64) -> Int64 {
    min(max(seconds, -100_000_000_000), 300_000_000_000)
  }

  // MARK: Pages

  func page(now: Timestamp) -> Page {
    var blocks: [Page.Block] = [.lead("\(probe.target): \(verdict(now: now))")]
    for host in probe.hosts {
      let preference = host.preference.map { " (MX \($0))" } ?? ""
      blocks.append(
        .heading(
          "\(host.host) [\(host.address)]:\(host.port)\(preference): \(outcome(host.session))"
        )
      )
      blocks += facts(host, now: now).map { .item($0) }
    }
    let policies = policies
    if !policies.isEmpty {
      blocks.append(.heading("Published policies"))
      blocks += policies.map { .item($0) }
    }
    return Page(title: "Probe of \(probe.target)", blocks)
  }

  /// The answer in one line: what a sender meets there, the worst first.
  private func verdict(now: Timestamp) -> String {
    if let trouble = probe.trouble { return trouble }
    let troubles = probe.hosts.compactMap { host in
      trouble(host, now: now).map { probe.hosts.count > 1 ? "\(host.host): \($0)" : $0 }
    }
    let demands = [
      probe.hosts.contains(where: \.hasUsableDANE) ? "DANE" : nil,
      probe.sts?.mode == .enforce ? "MTA-STS enforce" : nil,
    ].compactMap { $0 }
    let promised = demands.isEmpty ? "" : "; promises TLS (\(demands.joined(separator: ", ")))"
    guard troubles.isEmpty else {
      let more = troubles.count > 3 ? " and \(troubles.count - 3) more" : ""
      return troubles.prefix(3).joined(separator: "; ") + more + promised
    }
    return "TLS works, the certificate is trusted and carries the name" + promised
  }

  /// What is wrong with a host, for one who verifies; nil where nothing is.
  private func trouble(_ host: HostProbe, now: Timestamp) -> String? {
    let session = host.session
    if let stage = session.failedStage {
      return "\(session.failureClass?.rawValue ?? "other") at \(stage.rawValue)"
    }
    guard let facts = session.facts else {
      return session.notes.isEmpty ? "no STARTTLS, mail goes in clear" : session.notes[0]
    }
    if let dane = host.daneSession {
      return dane.isOK ? nil : "\(dane.failureClass?.rawValue ?? "tlsa-invalid") (DANE)"
    }
    if let failure = facts.verificationFailure {
      return "\(failure.rawValue) (\(facts.verifyText)): TLS works only unverified"
    }
    guard host.isNameMatched else {
      return "certificate-host-mismatch: it is for \(facts.names.prefix(3).joined(separator: ", "))"
    }
    if let policy = probe.sts?.policy, policy.mode == .enforce, !policy.allows(host.host) {
      return "not allowed by the MTA-STS policy"
    }
    if let left = facts.chain.first.flatMap({ ProbeDocument.daysLeft($0, now: now) }), left < 14 {
      return "TLS works; the certificate expires in \(left) days"
    }
    return nil
  }

  /// What the domain publishes; nothing where a host was looked at.
  private var policies: [String] {
    guard let sts = probe.sts else { return [] }
    let told =
      if let policy = sts.policy {
        "\(policy.mode.rawValue), for \(policy.mx.joined(separator: ", "))"
      } else if let detail = sts.detail {
        "not known, \(detail)"
      } else {
        "none"
      }
    return ["MTA-STS: \(told)", "TLS-RPT: \(probe.tlsReporting ?? "none")"]
  }

  private func outcome(_ session: Trial) -> String {
    if let stage = session.failedStage {
      let why = session.stages.last?.detail ?? ""
      return "fails at \(stage.rawValue): \(session.failureClass?.rawValue ?? "other"), \(why)"
    }
    guard let facts = session.facts else { return "no STARTTLS: the session stays in clear" }
    return "\(facts.version), \(facts.cipher)" + (facts.group.map { ", \($0)" } ?? "")
  }

  private func facts(_ host: HostProbe, now: Timestamp) -> [String] {
    var lines = host.session.notes
    if let facts = host.session.facts, host.session.hasFinishedHandshake {
      for (index, certificate) in facts.chain.enumerated() {
        let left = ProbeDocument.daysLeft(certificate, now: now)
        let life =
          left.map { $0 < 0 ? "expired \(-$0) days ago" : "\($0) days left" } ?? "no expiry"
        lines.append(
          "certificate \(index): \(certificate.subject), \(certificate.keyType) "
            + "\(certificate.keyBits), \(certificate.signature), \(life)"
        )
      }
      if let leaf = facts.chain.first {
        lines.append("names: \(leaf.names.prefix(20).joined(separator: ", "))")
        lines.append("SHA-256 of the key: \(leaf.publicKeyFingerprint)")
      }
      lines.append(
        facts.verifyCode == 0
          ? "the chain is trusted" : "the chain is not trusted: \(facts.verifyText)"
      )
      lines.append(
        host.isNameMatched
          ? "the certificate carries the host's name" : "the certificate is for other names"
      )
      if facts.isClientCertificateRequested { lines.append("asks for a client certificate") }
      if let staple = facts.ocspStaple { lines.append("OCSP staple: \(staple)") }
    }
    if !host.versions.isEmpty {
      let taken = host.versions.keys.sorted().filter { host.versions[$0] == true }
      lines.append("versions taken: \(taken.isEmpty ? "none" : taken.joined(separator: ", "))")
    }
    lines.append(dane(host))
    return lines
  }

  private func dane(_ host: HostProbe) -> String {
    switch host.tlsa {
    case .failed(let reason): return "DANE: not known, \(reason)"
    case .nothing: return "DANE: none"
    case .found(let records, let isSecure):
      guard isSecure else { return "DANE: \(records.count) records, but the zone is not signed" }
      guard let session = host.daneSession else { return "DANE: no usable record" }
      return session.isOK
        ? "DANE: the certificate matches" : "DANE: the certificate does not match the records"
    }
  }
}
