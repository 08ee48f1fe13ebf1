import Experiment
import Foundation
import MailModel
import Synchronization
import TestSupport
import Testing

/// What retries and single trials say of receivers with one fault each.
@Suite(.enabled(if: LoopbackReceivers.shared != nil, "python3-cryptography is needed"))
struct ReceiverTests {
  private let receivers: LoopbackReceivers

  init() throws { receivers = try #require(LoopbackReceivers.shared) }

  @Test func `a receiver that goes by SNI shows another certificate to who sends none`() throws {
    var settings = try receivers.settings("sni-certificate", .verify)
    settings.demand.serverName = nil
    let trial = TrialRun.run(settings)
    #expect(trial.failedStage == .verification)
    #expect(trial.failureClass == .certificateHostMismatch)
    settings = try receivers.settings("sni-demanded", .verify)
    settings.demand.serverName = nil
    let refused = TrialRun.run(settings)
    #expect(refused.failedStage == .handshake)
    #expect(refused.facts?.alerts == ["received: unrecognized name"])
  }

  @Test func `a wildcard is the name of no host: the ladder does not take it over`() throws {
    var settings = try receivers.settings("wildcard", .verify)
    let facts = try #require(TrialRun.run(settings).facts)
    #expect(!facts.names.isEmpty && facts.names.allSatisfy { $0.hasPrefix("*.") })
    settings.demand.verification = .names(["elsewhere.example"])
    #expect(Ladder.apply(.certificateName, to: settings.demand, seen: facts) == nil)
  }

  @Test func `a cipher of too few bits is none to agree on`() throws {
    var settings = try receivers.settings("old-cipher", .encrypt)
    settings.demand.minimumCipherBits = 256
    let trial = TrialRun.run(settings)
    #expect(trial.failedStage == .verification)
    #expect(trial.failureClass == .noSharedCipher)
    settings.demand.minimumCipherBits = 128
    #expect(TrialRun.run(settings).isOK)
  }

  /// RFC 7672 sections 3.1.1 and 3.1.2.
  @Test(arguments: [
    ("other-name", UInt8(3), nil as FailureClass?), ("expired", 3, nil), ("self-signed", 3, nil),
    ("good", 2, nil), ("other-name", 2, .certificateHostMismatch),
    // A certificate that signs itself is no authority above anything.
    ("expired", 2, .certificateExpired), ("self-signed", 2, .tlsaInvalid),
  ])
  func `DANE's usage 3 asks for the key alone, usage 2 for chain, name and dates as well`(
    _ name: String,
    _ usage: UInt8,
    _ failure: FailureClass?
  ) throws {
    let seen = try #require(TrialRun.run(try receivers.settings(name, .encrypt)).facts?.chain)
    // The end entity's key, or that of the authority that signed it.
    let digest = try #require(usage == 3 || seen.count == 1 ? seen.first : seen.last)
      .publicKeyFingerprint
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digest.utf8.count, by: 2) {
      let start = digest.index(digest.startIndex, offsetBy: index)
      bytes.append(try #require(UInt8(digest[start...].prefix(2), radix: 16)))
    }
    var settings = try receivers.settings(name, .encrypt)
    settings.demand.verification = .dane(
      [TLSARecord(usage: usage, selector: 1, matching: 1, data: bytes)],
      names: [LoopbackReceivers.host, "receiver.example"]
    )
    let trial = TrialRun.run(settings)
    #expect(trial.failureClass == failure, "\(trial.stages.last?.detail ?? "")")
  }

  @Test(arguments: [EVPDigest.md5, .sha1, .sha256, .sha512])
  func `a fingerprint is compared by the digest that it is made with`(_ digest: EVPDigest) throws {
    let pem = receivers.directory + "/self-signed.pem"
    let said = RealServer.output(
      "/usr/bin/openssl",
      ["x509", "-in", pem, "-noout", "-fingerprint", "-\(digest.rawValue)"]
    )
    guard let text = said.split(separator: "=").last?.filter({ $0 != "\n" && $0 != ":" }) else {
      return
    }
    var settings = try receivers.settings("self-signed", .encrypt)
    settings.demand.verification = .fingerprints([text.lowercased()])
    #expect(TrialRun.run(settings).isOK)
    settings.demand.verification = .fingerprints([String(text.lowercased().reversed())])
    #expect(TrialRun.run(settings).failureClass == .certificateNotTrusted)
  }

  enum EVPDigest: String { case md5, sha1, sha256, sha512 }

  @Test(arguments: certificates + handshakes + conversations + alerts + oddities)
  func `a retry tells stage, class, verdict and the weakest change`(_ expected: Expected) throws {
    let settings = try receivers.settings(
      expected.retry.receiver,
      expected.level,
      client: expected.client
    )
    let result = receivers.retry(settings)
    #expect(
      expected.retry.differences(from: ToldRetry(result)) == [],
      "\(result.trials.first?.stages.last?.detail ?? "")"
    )
  }

  @Test func `two faults take two changes, and the explanation names both`() throws {
    let settings = try receivers.settings("client-untrusted-expired", .verify, client: true)
    let result = receivers.retry(settings)
    #expect(result.verdict == .tlsIsTheCause)
    #expect(result.weakestChange == .pinnedCertificate)
    #expect(
      result.explanation.contains("no-client-certificate and pinned-certificate together"),
      "\(result.explanation)"
    )
  }

  @Test(arguments: [
    (
      "expired", TLSLevel.verify, Verdict.tlsIsTheCause, LadderRung.pinnedCertificate as LadderRung?
    ),
    ("plain", .encrypt, .inconclusive, nil), ("good", .verify, .notReproduced, nil),
    ("rcpt-full", .encrypt, .tlsIsNotTheCause, nil),
  ])
  func `without a test path only rungs with TLS are tried`(
    _ name: String,
    _ level: TLSLevel,
    _ verdict: Verdict,
    _ rung: LadderRung?
  ) throws {
    let result = receivers.retry(try receivers.settings(name, level), inClear: false)
    #expect(result.verdict == verdict, "\(result.explanation)")
    #expect(result.weakestChange == rung)
    #expect(result.trials.allSatisfy { $0.rung != .plaintext })
  }

  /// Whatever a peer does, a stage ends at its deadline or at a limit.
  @Test(arguments: [
    ("banner-dribble", Stage.banner, FailureClass.connectionTimeout),
    ("banner-endless", .banner, .other), ("banner-no-end", .banner, .other),
    ("ehlo-endless", .ehlo, .other), ("hello-dribble", .handshake, .handshakeTimeout),
    ("hello-silence", .handshake, .handshakeTimeout),
    ("endless-certificate", .handshake, .otherTLS),
  ])
  func `a peer without an end is cut off at the right stage`(
    _ name: String,
    _ stage: Stage,
    _ failure: FailureClass
  ) throws {
    let before = memory()
    let clock = ContinuousClock()
    var trial: Trial?
    let settings = try receivers.settings(name)
    let elapsed = clock.measure { trial = TrialRun.run(settings) }
    #expect(trial?.failedStage == stage)
    #expect(trial?.failureClass == failure)
    #expect(elapsed < .seconds(6))
    #expect(memory() - before < 64 << 10, "kilobytes more than before")
  }

  /// The largest size of this process so far, in kilobytes.
  private func memory() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss
  }

  @Test func `plaintext injected behind STARTTLS is discarded and told`() throws {
    let trial = TrialRun.run(try receivers.settings("starttls-injection", .verify))
    #expect(trial.isOK)
    #expect(trial.notes.contains { $0.contains("14 bytes of plaintext") }, "\(trial.notes)")
  }

  @Test func `what came instead of TLS is shown`() throws {
    let trial = TrialRun.run(try receivers.settings("hello-text"))
    #expect(trial.stages.last?.detail.contains("500 5.5.1 what is that?") == true)
  }

  @Test func `the certificate of the chain that is at fault is named`() throws {
    let trial = TrialRun.run(try receivers.settings("old-middle", .verify))
    let problem = try #require(trial.facts?.problems.first)
    #expect(problem.code == 10)
    #expect(problem.depth == 1)
    #expect(trial.stages.last?.detail.contains("certificate 1 of the chain") == true)
  }

  @Test func `TLS from the first byte`() throws {
    var settings = try receivers.settings("implicit", .verify)
    settings.isImplicit = true
    let trial = TrialRun.run(settings)
    #expect(trial.isOK, "\(trial.stages)")
    #expect(
      trial.stages.map(\.stage) == [
        .connect, .handshake, .verification, .banner, .ehlo, .mail, .rcpt,
      ]
    )
    #expect(trial.facts?.version == "TLSv1.3")
  }

  @Test func `every stage is told with its reply and its time`() throws {
    let trial = TrialRun.run(try receivers.settings("good", .verify))
    #expect(
      trial.stages.map(\.stage) == [
        .connect, .banner, .ehlo, .starttls, .handshake, .verification, .ehloAgain, .mail, .rcpt,
      ]
    )
    #expect(trial.stages.allSatisfy { $0.isOK && $0.seconds >= 0 && $0.seconds < 1 })
    #expect(trial.stages.last?.detail == "250 2.1.5 Ok")
    let leaf = try #require(trial.facts?.chain.first)
    #expect(trial.facts?.chain.count == 2)
    #expect(leaf.names == [LoopbackReceivers.host])
    #expect(leaf.keyType == "EC")
    #expect(leaf.keyBits == 256)
    #expect(leaf.signature == "ecdsa-with-SHA256")
    #expect((500...600).contains(leaf.signatureBits))
    #expect(trial.facts?.serverDigest == "SHA256")
    #expect(trial.facts?.isClientCertificateRequested == false)
    #expect(trial.facts?.problems.isEmpty == true)
  }

  @Test(arguments: [("client-untrusted", true), ("good", false)])
  func `whether our certificate is asked for is seen`(_ name: String, _ isAsked: Bool) throws {
    let trial = TrialRun.run(try receivers.settings(name))
    #expect(trial.facts?.isClientCertificateRequested == isAsked)
  }

  @Test func `an alert is told with its direction`() throws {
    let trial = TrialRun.run(try receivers.settings("client-required-13", client: true))
    #expect(trial.facts?.alerts == ["received: unknown CA"])
    #expect(trial.stages.count(where: { $0.stage == .handshake }) == 1)
  }

  @Test func `a message goes out whole, with its dots`() throws {
    var settings = try receivers.settings("good")
    let token = UUID().uuidString
    settings.content = Array("Subject: \(token)\n\n.\n..two\nbare\rreturn\r\nno end".utf8)
    let trial = TrialRun.run(settings)
    #expect(trial.isOK, "\(trial.stages)")
    #expect(trial.stages.suffix(2).map(\.stage) == [.data, .end])
    let taken = try String(contentsOfFile: receivers.directory + "/taken.txt", encoding: .utf8)
    let lines = taken.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.contains(token) })
    // As it came over the wire: a leading dot is doubled.
    #expect(
      lines[start..<(start + 7)].elementsEqual([
        "Subject: \(token)", "", "..", "...two", "bare", "return", "no end",
      ])
    )
  }

  @Test(arguments: [
    ("data-554", Stage.end, FailureClass.contentRejected as FailureClass?),
    ("data-silence", .end, .connectionTimeout),
  ])
  func `a message that is not taken fails at its end`(
    _ name: String,
    _ stage: Stage,
    _ failure: FailureClass?
  ) throws {
    var settings = try receivers.settings(name)
    settings.content = Array("Subject: x\n\nbody\n".utf8)
    let trial = TrialRun.run(settings)
    #expect(trial.failedStage == stage)
    #expect(trial.failureClass == failure)
  }

  @Test(arguments: [("good", true), ("old-words", false)])
  func `an address beyond ASCII needs SMTPUTF8`(_ name: String, _ isOffered: Bool) throws {
    var settings = try receivers.settings(name)
    settings.recipient = "büro@receiver.example"
    let trial = TrialRun.run(settings)
    #expect(trial.isOK == isOffered)
    #expect(trial.failedStage == (isOffered ? nil : .mail))
  }

  @Test func `a message that demands TLS for itself goes nowhere without REQUIRETLS`() throws {
    var settings = try receivers.settings("good")
    settings.content = Array("Subject: x\n\nbody\n".utf8)
    settings.requiresTLS = true
    let trial = TrialRun.run(settings)
    #expect(trial.failedStage == .mail)
    #expect(trial.stages.last?.detail.contains("REQUIRETLS") == true)
  }

  /// Greylisting, full mailboxes, resets, slowness and 421 at any command, in any session.
  @Test(.timeLimit(.minutes(30)))
  func `two hundred retries against other faults on the wire never blame TLS`() async throws {
    let receivers = receivers
    let settings = try receivers.settings("random", .verify)
    let results = Mutex<[RetryResult]>([])
    // They wait most of the time: many at once.
    let queue = DispatchQueue(label: "retries", attributes: .concurrent)
    let group = DispatchGroup()
    for round in 0..<200 {
      queue.async(group: group) {
        var base = settings
        base.timeout = round % 4 == 0 ? 0.1 : 2
        let result = receivers.retry(base, repeats: 1 + round % 3, seed: UInt64(round))
        results.withLock { $0.append(result) }
      }
    }
    await withCheckedContinuation { done in group.notify(queue: queue) { done.resume() } }
    let all = results.withLock { $0 }
    #expect(all.count == 200)
    for result in all {
      #expect(result.verdict != .tlsIsTheCause, "\(result.explanation)")
      #expect(result.verdict != .secondFaultBehindTLS, "\(result.explanation)")
    }
  }
}
