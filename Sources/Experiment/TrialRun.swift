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
      run.record(error.stage, isOK: false, error.detail)
    }
    return run.trial
  }

  private var deadline: Double { startedAt + settings.timeout }

  private mutating func begin() { startedAt = Wire.now() }

  private mutating func done(_ stage: Stage, _ detail: String) {
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
        detail: error.detail
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

  // MARK: Envelope and message

  private mutating func deliver(_ wire: Wire) throws(Stop) {
    let mail = try mailCommand()
    let recipients = settings.recipients.map { "RCPT TO:<\($0)>" }
    // RFC 2920 section 3.1: the envelope goes out as one, its replies come back one by one.
    let isPipelined = trial.offers("PIPELINING")
    begin()
    if isPipelined {
      let all = ([mail] + recipients).map { $0 + "\r\n" }.joined()
      try send(Array(all.utf8), .mail, wire)
    }
    try accept(try exchange(wire, .mail, isPipelined ? nil : mail), .mail, wire)
    for recipient in recipients {
      begin()
      try accept(try exchange(wire, .rcpt, isPipelined ? nil : recipient), .rcpt, wire)
    }
    if let content = settings.content { try transfer(content, wire) }
  }

  /// MAIL FROM with the extensions that the message needs.
  private mutating func mailCommand() throws(Stop) -> String {
    var command = "MAIL FROM:<\(settings.sender)>"
    func lacking(_ extension: String, _ failure: FailureClass) -> Stop {
      Stop(
        stage: .mail,
        failureClass: failure,
        detail: "the receiver does not offer \(`extension`), which this mail needs"
      )
    }
    if ([settings.sender] + settings.recipients).contains(where: {
      !$0.utf8.allSatisfy { $0 < 128 }
    }) {
      guard trial.offers("SMTPUTF8") else { throw lacking("SMTPUTF8", .other) }
      command += " SMTPUTF8"
    }
    if let content = settings.content {
      if trial.offers("SIZE") { command += " SIZE=\(content.count)" }
      if content.contains(where: { $0 >= 128 }) {
        guard trial.offers("8BITMIME") else { throw lacking("8BITMIME", .other) }
        command += " BODY=8BITMIME"
      }
    }
    if settings.requiresTLS {
      guard trial.usedTLS, trial.offers("REQUIRETLS") else {
        throw lacking("REQUIRETLS", .policyRejected)
      }
      command += " REQUIRETLS"
    }
    return command
  }

  private mutating func transfer(_ content: [UInt8], _ wire: Wire) throws(Stop) {
    begin()
    let lines = try exchange(wire, .data, "DATA")
    guard lines.last?.hasPrefix("354") == true else {
      let text = lines.joined(separator: " / ")
      throw Stop(
        stage: .data,
        failureClass: FailureNumbers.reply(text, isEncrypted: wire.isEncrypted),
        detail: text
      )
    }
    done(.data, lines.joined(separator: " / "))
    begin()
    try send(TrialRun.transparent(content), .end, wire)
    try accept(try exchange(wire, .end, nil), .end, wire)
  }

  /// Lines end in CR LF, a leading dot is doubled, a lone dot ends it all (RFC 5321 section 4.5.2).
  static func transparent(_ content: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(content.count + content.count / 32 + 5)
    var isLineStart = true
    for (index, byte) in content.enumerated() {
      if byte == 13 {
        // A bare CR would be a line end to some and none to others: it becomes one to all.
        if index + 1 < content.count, content[index + 1] == 10 { continue }
        out += [13, 10]
        isLineStart = true
      } else if byte == 10 {
        out += [13, 10]
        isLineStart = true
      } else {
        if isLineStart, byte == UInt8(ascii: ".") { out.append(byte) }
        out.append(byte)
        isLineStart = false
      }
    }
    if !isLineStart { out += [13, 10] }
    return out + Array(".\r\n".utf8)
  }

  // MARK: Commands and replies

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

  private mutating func send(_ bytes: [UInt8], _ stage: Stage, _ wire: Wire) throws(Stop) {
    do throws(WireFailure) { try wire.send(bytes, until: deadline) } catch {
      throw stop(error, stage, wire)
    }
  }

  /// Sends a command, if any, and reads the whole reply.
  private mutating func exchange(
    _ wire: Wire,
    _ stage: Stage,
    _ command: String?
  ) throws(Stop) -> [String] {
    var lines: [String] = []
    do throws(WireFailure) {
      if let command { try wire.send(Array((command + "\r\n").utf8), until: deadline) }
      while lines.count < TrialRun.largestReply {
        let line = try wire.line(until: deadline)
        lines.append(line)
        let digits = line.utf8.prefix(3)
        guard digits.count == 3, digits.allSatisfy({ (48...57).contains($0) }) else {
          throw WireFailure(kind: .nonsense, detail: "not an SMTP reply: \(line.prefix(200))")
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
    if let facts = wire.facts { trial.facts = facts }
    let isFirst = stage == .ehloAgain || (settings.isImplicit && stage == .banner)
    let isRefused = failure.kind == .tls && wire.alerts.contains { $0.hasPrefix("received: ") }
    let isLeft =
      isFirst && trial.facts?.version == "TLSv1.3"
      && trial.facts?.isClientCertificateRequested == true
      && (failure.kind == .closed || failure.kind == .reset)
    guard wire.isEncrypted, isRefused || isLeft else {
      return Stop(
        stage: stage,
        // Who hangs up on the very word STARTTLS does not want TLS.
        failureClass: stage == .starttls
          ? FailureNumbers.handshake(failure, nil) : FailureNumbers.wire(failure, stage: stage),
        detail: detail(failure, wire)
      )
    }
    // The handshake was not what it seemed.
    if let start = trial.stages.firstIndex(where: { $0.stage == .handshake }), isFirst {
      trial.stages.removeSubrange(start...)
    }
    return Stop(
      stage: .handshake,
      failureClass: FailureNumbers.handshake(failure, trial.facts),
      detail: detail(failure, wire)
    )
  }
}

extension Trial {
  /// Whether the last EHLO reply has the keyword.
  package func offers(_ keyword: String) -> Bool {
    capabilities.contains {
      $0.split { $0 == " " || $0 == "=" }.first?.uppercased() == keyword
    }
  }
}

extension TLSFacts {
  /// What verification found, for people: the first trouble, and where it lies if not in the peer's
  /// own certificate.
  var complaint: String {
    let others = problems.dropFirst().map { "\($0.code): \($0.text)" }
    var text = "\(verifyCode): \(verifyText)"
    if let first = problems.first, first.depth > 0 {
      text += " (certificate \(first.depth) of the chain)"
    }
    return ([text] + others.prefix(3)).joined(separator: "; ")
  }
}

/// What devices on the path leave behind that overwrite what they do not want to be seen ("fixup").
enum PathMarks {
  /// `XXXXXXXA` where `STARTTLS` was: a keyword of X, with one other letter at its end at most, or
  /// of asterisks.
  static func isMangled(keyword line: String) -> Bool {
    guard let word = line.uppercased().split(separator: " ").first, word.utf8.count >= 5 else {
      return false
    }
    return word.dropLast().allSatisfy { $0 == "X" } || word.allSatisfy { $0 == "*" }
  }

  /// `220 ****************0*****`: a banner made of asterisks for the most part.
  static func isMangled(banner: [String]) -> Bool {
    guard let text = banner.first?.dropFirst(4), text.utf8.count >= 8 else { return false }
    return text.utf8.count(where: { $0 == UInt8(ascii: "*") }) * 2 > text.utf8.count
  }
}
