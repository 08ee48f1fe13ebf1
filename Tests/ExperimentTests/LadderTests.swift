import Experiment
import MailModel
import Testing

struct LadderTests {
  @Test func `the exact test agrees with the tables`() {
    // 1 / C(8, 4), and Fisher's tea: 17 / 70.
    #expect(abs(ExactTest.chance(failures: 4, of: 4, against: 0, of: 4) - 1.0 / 70) < 1e-12)
    #expect(abs(ExactTest.chance(failures: 3, of: 4, against: 1, of: 4) - 17.0 / 70) < 1e-12)
    #expect(ExactTest.chance(failures: 0, of: 3, against: 3, of: 3) == 1)
  }

  @Test func `a rung that would change nothing is not tried`() {
    let demand = TLSDemand(use: .required)
    #expect(Ladder.apply(.noClientCertificate, to: demand, seen: nil) == nil)
    #expect(Ladder.apply(.noVerification, to: demand, seen: nil) == nil)
    #expect(Ladder.apply(.certificateName, to: demand, seen: nil) == nil)
    #expect(Ladder.apply(.plaintext, to: demand, seen: nil)?.use == .never)
  }

  @Test(arguments: [
    "127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "::1", "fe80::1",
    "fd00::1", "::ffff:127.0.0.1", "0.0.0.0", "not an address",
  ])
  func `addresses of our own networks are private`(address: String) {
    #expect(Address.isPrivate(address))
  }

  @Test(arguments: ["192.0.2.1", "8.8.8.8", "172.32.0.1", "2001:db8::1"])
  func `addresses of others are not`(address: String) {
    #expect(!Address.isPrivate(address))
  }

  /// A receiver with random faults that have nothing to do with TLS, at any stage.
  @Test func `two hundred retries against other faults never blame TLS`() {
    var random = Dice(state: 7)
    let faults: [(Stage, FailureClass)] = [
      (.connect, .connectionTimeout), (.banner, .rateLimited), (.ehlo, .connectionLost),
      (.handshake, .handshakeDisconnected), (.mail, .rateLimited), (.rcpt, .greylisted),
      (.rcpt, .mailboxFull), (.rcpt, .connectionLost),
    ]
    for round in 0..<200 {
      var base = TrialSettings(
        rung: .asConfigured,
        address: "127.0.0.1",
        port: 25,
        demand: TLSDemand(use: .required),
        heloName: "here.example"
      )
      base.demand.verification = .names(["mx.example"])
      let experiment = RetryExperiment(
        base: base,
        mayTryInClear: true,
        isDestination: true,
        repeats: 1 + round % 3
      )
      var source = Dice(state: UInt64(round) &* 977)
      let odds = [0.2, 0.5, 0.8][round % 3]
      let result = experiment.run(
        attempt: { settings in
          var trial = Trial(rung: settings.rung, usedTLS: settings.demand.use != .never, peer: "p")
          guard source.fraction() < odds else { return trial }
          let fault = faults.randomElement(using: &source) ?? (.rcpt, .other)
          if fault.0 == .handshake, settings.demand.use == .never { return trial }
          trial.failedStage = fault.0
          trial.failureClass = fault.1
          return trial
        },
        pause: {},
        random: &random
      )
      #expect(result.verdict != .tlsIsTheCause, "round \(round): \(result.explanation)")
    }
  }
}

/// A generator with a seed (SplitMix64).
struct Dice: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func fraction() -> Double { Double(next() >> 11) / Double(1 << 53) }
}
