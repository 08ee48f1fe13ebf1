import MailModel
import Testing

@testable import Triage

/// No remedy weakens what a destination, a message or the operator has demanded.
struct GuardTests {
  private static let now = Timestamp(seconds: 1_772_442_845)
  private static let probed = DestinationPolicies(
    hasDANE: false,
    hasEnforcedSTS: false,
    probedAt: now.advanced(bySeconds: -3600)
  )

  private func remedy(_ weakens: Weakening) -> Remedy {
    Remedy(
      title: "t",
      weakens: weakens,
      rung: nil,
      configuration: "c",
      apply: ["a"],
      verify: ["v"],
      flush: ["f"],
      undo: ["u"],
      validUntil: nil,
      risk: "r"
    )
  }

  private func refusal(
    _ weakens: Weakening,
    failureClass: FailureClass = .certificateExpired,
    policy: TLSPolicy? = TLSPolicy(level: .encrypt, origin: .everyone),
    policies: DestinationPolicies? = GuardTests.probed,
    requiresTLS: Bool = false
  ) -> String? {
    Guards.refusal(
      remedy(weakens),
      domain: "b.example",
      failureClass: failureClass,
      policy: policy,
      policies: policies,
      requiresTLS: requiresTLS,
      now: GuardTests.now
    )
  }

  private static let weakening: [Weakening] = [.authentication, .encryptionStrength, .encryption]

  @Test(arguments: weakening)
  func `a default for all may be lowered for one, once the destination was looked at`(
    _ weakens: Weakening
  ) {
    #expect(refusal(weakens) == nil)
  }

  @Test(arguments: weakening)
  func `what is not known is not assumed: the probe to run is named`(_ weakens: Weakening) {
    #expect(refusal(weakens, policies: nil)?.contains("mailtriage probe b.example") == true)
    let old = DestinationPolicies(
      hasDANE: false,
      hasEnforcedSTS: false,
      probedAt: GuardTests.now.advanced(bySeconds: -90_000)
    )
    #expect(refusal(weakens, policies: old)?.contains("mailtriage probe b.example") == true)
  }

  @Test(arguments: weakening)
  func `DANE and enforced MTA-STS are promises`(_ weakens: Weakening) {
    var policies = GuardTests.probed
    policies.hasDANE = true
    #expect(refusal(weakens, policies: policies)?.contains("DANE") == true)
    policies = GuardTests.probed
    policies.hasEnforcedSTS = true
    #expect(refusal(weakens, policies: policies)?.contains("MTA-STS") == true)
  }

  @Test(arguments: weakening)
  func `there is no way around a revoked certificate or REQUIRETLS`(_ weakens: Weakening) {
    #expect(refusal(weakens, failureClass: .certificateRevoked)?.contains("revoked") == true)
    #expect(refusal(weakens, requiresTLS: true)?.contains("REQUIRETLS") == true)
  }

  @Test(arguments: [
    (TLSLevel.secure, Weakening.authentication, true), (.verify, .authentication, true),
    (.fingerprint, .authentication, true), (.daneOnly, .authentication, true),
    (.secure, .encryption, true), (.encrypt, .encryption, true),
    (.encrypt, .authentication, false), (.may, .encryption, false), (.none, .encryption, false),
  ])
  func `a level demanded for this very destination binds`(
    _ level: TLSLevel,
    _ weakens: Weakening,
    _ isRefused: Bool
  ) {
    let policy = TLSPolicy(level: level, origin: .destination, source: "/etc/postfix/tls_policy:4")
    let refusal = refusal(weakens, policy: policy)
    #expect((refusal != nil) == isRefused)
    if let refusal {
      #expect(refusal.contains(level.rawValue) && refusal.contains("/etc/postfix/tls_policy:4"))
    }
  }

  @Test func `what weakens nothing is never refused`() {
    var policies = GuardTests.probed
    policies.hasDANE = true
    #expect(
      refusal(
        .nothing,
        failureClass: .certificateRevoked,
        policy: TLSPolicy(level: .secure, origin: .destination),
        policies: policies,
        requiresTLS: true
      ) == nil
    )
    #expect(refusal(.nothing, policies: nil) == nil)
  }
}
