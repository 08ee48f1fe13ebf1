import MailModel

/// Why a trial stopped.
private struct Stop: Error {
  var stage: Stage
  var failureClass: FailureClass
  var detail: String
}

/// One SMTP session up to RCPT TO, with every stage recorded. Nothing is sent after RCPT TO.
package struct TrialRun {
  private let settings: TrialSettings
  private var trial: Trial
  private var startedAt = 0.0
  private static let largestReply = 128

  private init(_ settings: TrialSettings) {
    self.settings = settings
    let host = settings.address.contains(":") ? "[\(settings.address)]" : settings.address
    trial = Trial(
      rung: settings.rung,
      usedTLS: false,
      peer: "\(host):\(settings.port)"
    )
  }

  /// Runs a trial; it ends within the stages' deadlines, whatever the peer does.
  package static func run(_ settings: TrialSettings) -> Trial {
    var run = TrialRun(settings)
    do throws(Stop) { try run.converse() } catch {
      run.trial.failedStage = error.stage
      run.trial.failureClass = error.failureClass
      run.trial.stages.append(
        StageRecord(
          stage: error.stage,
          isOK: false,
          detail: String(error.detail.prefix(1000)),
          seconds: Wire.now() - run.startedAt
        )
      )
    }
    return run.trial
  }

  private var deadline: Double { startedAt + settings.timeout }

  private mutating func begin() { startedAt = Wire.now() }

  private mutating func done(_ stage: Stage, _ detail: String) {
    trial.stages.append(
      StageRecord(
        stage: stage,
        isOK: true,
        detail: String(detail.prefix(1000)),
        seconds: Wire.now() - startedAt
      )
    )
  }

  private mutating func converse() throws(Stop) {
    if case .impossible(let reason) = settings.demand.verification {
      throw Stop(stage: .verification, failureClass: reason, detail: "the policy cannot be met")
    }
    begin()
    let wire: Wire
    do throws(WireFailure) {
      wire = try Wire(address: settings.address, port: settings.port, timeout: settings.timeout)
    } catch {
      throw Stop(
        stage: .connect,
        failureClass: FailureNumbers.wire(error, stage: .connect),
        detail: error.detail
      )
    }
    trial.source = wire.source
    done(.connect, trial.peer)
    if settings.isImplicit { try secure(wire) }
    try expect(wire, .banner, nil)
    try greet(wire, .ehlo)
    if !settings.isImplicit { try negotiate(wire) }
    if let recipient = settings.recipient {
      try expect(wire, .mail, "MAIL FROM:<\(settings.sender)>")
      try expect(wire, .rcpt, "RCPT TO:<\(recipient)>")
    }
    begin()
    // Courtesy; what comes of it changes nothing.
    try? wire.send(Array("RSET\r\nQUIT\r\n".utf8), until: Wire.now() + 1)
  }

  /// EHLO, and HELO where that is not understood.
  private mutating func greet(_ wire: Wire, _ stage: Stage) throws(Stop) {
    begin()
    var lines = try exchange(wire, stage, "EHLO \(settings.heloName)")
    if lines.first?.hasPrefix("5") == true {
      lines = try exchange(wire, stage, "HELO \(settings.heloName)")
    }
    try accept(lines, stage, wire)
    trial.capabilities = lines.dropFirst().map { String($0.dropFirst(4).prefix(100)) }
  }

  private mutating func negotiate(_ wire: Wire) throws(Stop) {
    guard settings.demand.use != .never else { return }
    let words = trial.capabilities.map { $0.uppercased() }
    let isMangled = words.contains { $0.count >= 7 && $0.allSatisfy { "XA".contains($0) } }
    if isMangled { trial.notes.append("STARTTLS is mangled by something on the path") }
    let isOffered = words.contains { $0.split(separator: " ").first == "STARTTLS" }
    begin()
    guard isOffered else {
      if settings.demand.use == .opportunistic { return }
      throw Stop(
        stage: .starttls,
        failureClass: isMangled ? .startTLSStripped : .startTLSNotSupported,
        detail: isMangled ? "STARTTLS was overwritten in the EHLO reply" : "STARTTLS is not offered"
      )
    }
    let lines = try exchange(wire, .starttls, "STARTTLS")
    guard lines.last?.hasPrefix("220") == true else {
      if settings.demand.use == .opportunistic {
        trial.notes.append("STARTTLS was refused; the session went on in clear")
        return
      }
      throw Stop(
        stage: .starttls,
        failureClass: .startTLSRefused,
        detail: lines.joined(separator: " / ")
      )
    }
    done(.starttls, lines.joined(separator: " / "))
    let injected = wire.discardPending()
    if injected > 0 {
      trial.notes.append("\(injected) bytes of plaintext behind the STARTTLS reply were discarded")
    }
    try secure(wire)
    try greet(wire, .ehloAgain)
  }

  private mutating func secure(_ wire: Wire) throws(Stop) {
    begin()
    trial.usedTLS = true
    do throws(WireFailure) {
      try wire.startTLS(settings.demand, until: deadline)
    } catch {
      trial.facts = wire.facts
      throw Stop(
        stage: .handshake,
        failureClass: FailureNumbers.handshake(
          error,
          asksForCertificate: trial.facts?.isClientCertificateRequested ?? false
        ),
        detail: detail(error, wire)
      )
    }
    trial.facts = wire.facts
    if trial.facts?.isClientCertificateRequested == true {
      do throws(WireFailure) { try wire.settle(seconds: min(0.5, settings.timeout)) } catch {
        throw stop(error, .ehloAgain, wire)
      }
    }
    done(.handshake, "\(trial.facts?.version ?? "") \(trial.facts?.cipher ?? "")")
    begin()
    if let failure = fault(wire) {
      throw Stop(stage: .verification, failureClass: failure.0, detail: failure.1)
    }
    done(.verification, settings.demand.verification == .nothing ? "not asked for" : "ok")
  }

  private func detail(_ failure: WireFailure, _ wire: Wire) -> String {
    ([failure.detail] + wire.alerts).joined(separator: "; ")
  }

  /// What the certificate lacks of the demand.
  private func fault(_ wire: Wire) -> (FailureClass, String)? {
    guard let facts = trial.facts else { return (.otherTLS, "no session") }
    switch settings.demand.verification {
    case .nothing: return nil
    case .impossible(let reason): return (reason, "the policy cannot be met")
    case .fingerprints(let wanted):
      guard let leaf = facts.chain.first else { return (.otherTLS, "no certificate") }
      let matches = wanted.contains(leaf.fingerprint) || wanted.contains(leaf.publicKeyFingerprint)
      return matches
        ? nil
        : (.certificateNotTrusted, "the fingerprint is \(leaf.fingerprint), none that is known")
    case .dane, .names:
      guard facts.verifyCode == 0 else {
        return (
          FailureNumbers.verification(facts.verifyCode), "\(facts.verifyCode): \(facts.verifyText)"
        )
      }
      guard case .names(let names) = settings.demand.verification, !names.isEmpty,
        !names.contains(where: wire.certificateMatches)
      else { return nil }
      return (
        .certificateHostMismatch,
        "the certificate is for \(facts.names.prefix(10).joined(separator: ", ")), "
          + "not for \(names.joined(separator: ", "))"
      )
    }
  }

  private mutating func expect(
    _ wire: Wire,
    _ stage: Stage,
    _ command: String?
  ) throws(Stop) {
    begin()
    let lines = try exchange(wire, stage, command)
    try accept(lines, stage, wire)
  }

  private mutating func accept(_ lines: [String], _ stage: Stage, _ wire: Wire) throws(Stop) {
    let text = lines.joined(separator: " / ")
    guard text.hasPrefix("2") else {
      throw Stop(
        stage: stage,
        failureClass: FailureNumbers.reply(text, isEncrypted: wire.isEncrypted),
        detail: text
      )
    }
    done(stage, text)
  }

  /// Sends a command, if any, and reads the whole reply.
  private mutating func exchange(
    _ wire: Wire,
    _ stage: Stage,
    _ command: String?
  ) throws(Stop) -> [String] {
    do throws(WireFailure) {
      if let command { try wire.send(Array((command + "\r\n").utf8), until: deadline) }
      var lines: [String] = []
      while lines.count < TrialRun.largestReply {
        let line = try wire.line(until: deadline)
        lines.append(line)
        let digits = line.utf8.prefix(3)
        guard digits.count == 3, digits.allSatisfy({ (48...57).contains($0) }) else {
          throw WireFailure(kind: .tooMuch, detail: "not an SMTP reply: \(line.prefix(200))")
        }
        if line.utf8.dropFirst(3).first != UInt8(ascii: "-") { return lines }
      }
      throw WireFailure(
        kind: .tooMuch,
        detail: "a reply of more than \(TrialRun.largestReply) lines"
      )
    } catch {
      throw stop(error, stage, wire)
    }
  }

  /// TLS 1.3 refuses a client certificate only after the client believes the handshake done: what
  /// comes at the first reading belongs to the handshake (RFC 8446 section 4.6.2).
  private mutating func stop(_ failure: WireFailure, _ stage: Stage, _ wire: Wire) -> Stop {
    trial.facts?.alerts = wire.alerts
    let refused = failure.kind == .tls && wire.alerts.contains { $0.hasPrefix("received: ") }
    if wire.isEncrypted, refused || (stage == .ehloAgain && failure.kind != .timeout) {
      return Stop(
        stage: .handshake,
        failureClass: FailureNumbers.handshake(
          failure,
          asksForCertificate: trial.facts?.isClientCertificateRequested ?? false
        ),
        detail: detail(failure, wire)
      )
    }
    return Stop(
      stage: stage,
      failureClass: FailureNumbers.wire(failure, stage: stage),
      detail: detail(failure, wire)
    )
  }
}
