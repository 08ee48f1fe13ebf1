import MailModel

/// Commands and their replies, and what a broken session means.
extension TrialRun {
  mutating func accept(_ lines: [String], _ stage: Stage, _ wire: Wire) throws(Stop) {
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

  mutating func send(_ bytes: [UInt8], _ stage: Stage, _ wire: Wire) throws(Stop) {
    do throws(WireFailure) { try wire.send(bytes, until: deadline) } catch {
      throw stop(error, stage, wire)
    }
  }

  /// Sends a command, if any, and reads the whole reply.
  mutating func exchange(
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
