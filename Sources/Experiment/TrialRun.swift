import MailModel

/// Why a trial stopped.
struct Stop: Error {
  var stage: Stage
  var failureClass: FailureClass
  var detail: String
}

/// One SMTP session with every stage recorded. It ends behind RCPT TO unless the settings hold a
/// message.
package struct TrialRun {
  let settings: TrialSettings
  var trial: Trial
  private(set) var startedAt = 0.0
  static let largestReply = 128

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
      run.record(error.stage, isOK: false, error.detail)
    }
    return run.trial
  }

  var deadline: Double { startedAt + settings.timeout }

  mutating func begin() { startedAt = Wire.now() }

  mutating func done(_ stage: Stage, _ detail: String) {
    record(stage, isOK: true, detail)
  }

  private mutating func record(_ stage: Stage, isOK: Bool, _ detail: String) {
    trial.stages.append(
      StageRecord(
        stage: stage,
        isOK: isOK,
        detail: String(detail.prefix(1000)),
        seconds: startedAt == 0 ? 0 : Wire.now() - startedAt
      )
    )
  }

  private mutating func converse() throws(Stop) {
    if case .impossible(let reason) = settings.demand.verification {
      look()
      throw Stop(
        stage: .verification,
        failureClass: reason,
        detail: reason == .daneRequired
          ? "DANE is demanded, and there is no usable TLSA record in a signed zone"
          : "the TLSA records cannot be had: the resolver gave no valid answer"
      )
    }
    begin()
    let wire: Wire
    do throws(WireFailure) {
      wire = try Wire(address: settings.address, port: settings.port, timeout: settings.timeout)
    } catch {
      throw Stop(
        stage: .connect,
        failureClass: FailureNumbers.wire(error, stage: .connect),
        detail: error.isOurs ? "this host itself cannot connect: \(error.detail)" : error.detail
      )
    }
    trial.source = wire.source
    done(.connect, trial.peer)
    if settings.isImplicit { try secure(wire) }
    try greet(wire)
    if !settings.recipients.isEmpty { try deliver(wire) }
    // Courtesy; what comes of it changes nothing.
    let end = Wire.now() + min(1, settings.timeout)
    try? wire.send(Array("QUIT\r\n".utf8), until: end)
    while let line = try? wire.line(until: end), !line.hasPrefix("221") {}
  }

  /// Where the policy cannot be met, the peer is looked at all the same, up to its handshake: what it
  /// shows tells which change would do.
  private mutating func look() {
    var others = settings
    others.demand.use = .required
    others.demand.verification = .nothing
    others.recipients = []
    let seen = TrialRun.run(others)
    trial.usedTLS = true
    trial.source = seen.source
    guard let end = seen.stages.firstIndex(where: { $0.stage == .handshake && $0.isOK }) else {
      return
    }
    trial.stages = Array(seen.stages[...end])
    trial.facts = seen.facts
    trial.notes = seen.notes
  }

  // MARK: Greeting and TLS

  private mutating func greet(_ wire: Wire) throws(Stop) {
    begin()
    let banner = try exchange(wire, .banner, nil)
    if PathMarks.isMangled(banner: banner) {
      trial.notes.append("the banner was overwritten by something on the path")
    }
    try accept(banner, .banner, wire)
    try hello(wire, .ehlo)
    if !settings.isImplicit { try negotiate(wire, banner: banner) }
  }

  /// EHLO, and HELO where that is not understood (RFC 5321 section 3.2).
  private mutating func hello(_ wire: Wire, _ stage: Stage) throws(Stop) {
    begin()
    var lines = try exchange(wire, stage, "EHLO \(settings.heloName)")
    if lines.last?.hasPrefix("5") == true {
      trial.notes.append("EHLO was refused (\(lines.last ?? "")); HELO was tried")
      lines = try exchange(wire, stage, "HELO \(settings.heloName)")
    }
    try accept(lines, stage, wire)
    trial.capabilities = lines.dropFirst().map { String($0.dropFirst(4).prefix(100)) }
  }

  private mutating func negotiate(_ wire: Wire, banner: [String]) throws(Stop) {
    guard settings.demand.use != .never else { return }
    let isMangled = trial.capabilities.contains(where: PathMarks.isMangled(keyword:))
    if isMangled { trial.notes.append("STARTTLS is mangled by something on the path") }
    begin()
    guard trial.offers("STARTTLS") else {
      if settings.demand.use == .opportunistic { return }
      trial.usedTLS = true
      let isStripped = isMangled || PathMarks.isMangled(banner: banner)
      throw Stop(
        stage: .starttls,
        failureClass: isStripped ? .startTLSStripped : .startTLSNotSupported,
        detail: isStripped
          ? "STARTTLS was taken out of the EHLO reply by something on the path"
          : "STARTTLS is not offered"
      )
    }
    let lines = try exchange(wire, .starttls, "STARTTLS")
    let text = lines.joined(separator: " / ")
    guard text.hasPrefix("220") else {
      if settings.demand.use == .opportunistic, !text.hasPrefix("421") {
        trial.notes.append("STARTTLS was refused (\(text)); the session went on in clear")
        return
      }
      trial.usedTLS = true
      throw Stop(
        stage: .starttls,
        failureClass: FailureNumbers.startTLS(text),
        detail: text
      )
    }
    done(.starttls, text)
    let injected = wire.discardPending()
    if injected > 0 {
      trial.notes.append("\(injected) bytes of plaintext behind the STARTTLS reply were discarded")
    }
    try secure(wire)
    try hello(wire, .ehloAgain)
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
        failureClass: FailureNumbers.handshake(error, trial.facts),
        detail: detail(error, wire)
      )
    }
    trial.facts = wire.facts
    done(.handshake, "\(trial.facts?.version ?? "") \(trial.facts?.cipher ?? "")")
    begin()
    if let (failure, detail) = fault(wire) {
      throw Stop(stage: .verification, failureClass: failure, detail: detail)
    }
    done(.verification, settings.demand.verification == .nothing ? "not asked for" : "ok")
  }

  func detail(_ failure: WireFailure, _ wire: Wire) -> String {
    ([failure.detail] + wire.alerts).joined(separator: "; ")
  }

  /// What the certificate lacks of the demand.
  private func fault(_ wire: Wire) -> (FailureClass, String)? {
    guard let facts = trial.facts else { return (.otherTLS, "no session") }
    if let least = settings.demand.minimumCipherBits, let bits = facts.cipherBits, bits < least {
      return (.noSharedCipher, "\(facts.cipher) has \(bits) bits, \(least) are demanded")
    }
    switch settings.demand.verification {
    case .nothing: return nil
    case .impossible(let reason): return (reason, "the policy cannot be met")
    case .fingerprints(let wanted):
      guard let leaf = facts.chain.first else { return (.otherTLS, "no certificate") }
      return wanted.contains(where: wire.certificateHasDigest)
        ? nil
        : (.certificateNotTrusted, "the fingerprint is \(leaf.fingerprint), none that is known")
    case .dane, .names:
      guard facts.verifyCode == 0 else {
        return (FailureNumbers.verification(facts.verifyCode), facts.complaint)
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
}
