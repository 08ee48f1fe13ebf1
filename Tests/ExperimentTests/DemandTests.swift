import Experiment
import MailModel
import Testing

/// What a policy comes to at one host, given what its TLSA records say.
struct DemandTests {
  private static let good = TLSARecord(
    usage: 3,
    selector: 1,
    matching: 1,
    data: [UInt8](repeating: 7, count: 32)
  )

  private func demand(
    _ level: TLSLevel,
    _ answer: DNSAnswer<TLSARecord>,
    isSigned: Bool = true,
    base: String? = nil,
    _ change: (inout TLSPolicy) -> Void = { _ in }
  ) -> TLSDemand {
    var policy = TLSPolicy(level: level, origin: .destination)
    change(&policy)
    return TLSDemand(
      policy: policy,
      domain: "b.example",
      host: "mx.b.example",
      isSigned: isSigned
    ) { TLSALookup(answer, base: base) }
  }

  /// RFC 7672 section 3.1.3: PKIX-TA(0) and PKIX-EE(1) are of no use to mail.
  @Test(arguments: [
    (UInt8(0), UInt8(1), UInt8(1), 32, false), (1, 1, 1, 32, false), (2, 0, 1, 32, true),
    (3, 1, 1, 32, true), (3, 1, 2, 64, true), (3, 1, 0, 90, true), (3, 1, 1, 31, false),
    (3, 2, 1, 32, false), (3, 1, 3, 32, false), (4, 1, 1, 32, false), (3, 1, 0, 0, false),
  ])
  func `some records can be used, others not`(
    _ usage: UInt8,
    _ selector: UInt8,
    _ matching: UInt8,
    _ length: Int,
    _ isUsable: Bool
  ) {
    let record = TLSARecord(
      usage: usage,
      selector: selector,
      matching: matching,
      data: [UInt8](repeating: 1, count: length)
    )
    #expect(record.isUsable == isUsable)
  }

  @Test func `usable records authenticate, and the name of their zone is sent`() {
    let found = demand(.dane, .found([DemandTests.good], isSecure: true), base: "real.c.example")
    #expect(found.use == .required)
    #expect(
      found.verification
        == .dane([DemandTests.good], names: ["real.c.example", "mx.b.example", "b.example"])
    )
    #expect(found.serverName == "real.c.example")
  }

  @Test func `records that are all unusable ask for encryption alone`() {
    let useless = TLSARecord(usage: 1, selector: 1, matching: 1, data: DemandTests.good.data)
    let answer = DNSAnswer<TLSARecord>.found([useless], isSecure: true)
    #expect(demand(.dane, answer).use == .required)
    #expect(demand(.dane, answer).verification == .nothing)
    #expect(demand(.daneOnly, answer).verification == .impossible(.daneRequired))
  }

  @Test(arguments: [
    DNSAnswer<TLSARecord>.nothing(isSecure: true), .nothing(isSecure: false),
    .found([good], isSecure: false),
  ])
  func `without records in a signed zone DANE is opportunistic TLS`(
    _ answer: DNSAnswer<TLSARecord>
  ) {
    #expect(demand(.dane, answer).use == .opportunistic)
    #expect(demand(.dane, answer).verification == .nothing)
    #expect(demand(.daneOnly, answer).verification == .impossible(.daneRequired))
  }

  @Test func `records that cannot be had are a failure`() {
    #expect(demand(.dane, .failed("SERVFAIL")).verification == .impossible(.dnssecInvalid))
    #expect(demand(.dane, .failed("SERVFAIL")).use == .required)
  }

  @Test func `unsigned MX records lower DANE, unless the server counts it all the same`() {
    let answer = DNSAnswer<TLSARecord>.found([DemandTests.good], isSecure: true)
    #expect(demand(.dane, answer, isSigned: false).use == .opportunistic)
    #expect(
      demand(.daneOnly, answer, isSigned: false) { $0.usesDANEBehindUnsignedMX = true }
        .verification == .impossible(.daneRequired)
    )
    let counted = demand(.dane, answer, isSigned: false) { $0.usesDANEBehindUnsignedMX = true }
    #expect(counted.verification != .nothing)
  }

  @Test func `a server that tries DANE everywhere keeps its level where there is none`() {
    let none = demand(.encrypt, .nothing(isSecure: true)) { $0.triesDANE = true }
    #expect(none.use == .required)
    #expect(none.verification == .nothing)
    let some = demand(.may, .found([DemandTests.good], isSecure: true)) { $0.triesDANE = true }
    #expect(some.use == .required)
    #expect(some.verification != .nothing)
    #expect(
      demand(.none, .found([DemandTests.good], isSecure: true)) { $0.triesDANE = true }.use
        == .never
    )
  }

  @Test(
    arguments: [
      (nil, true, "mx.b.example"), (nil, false, nil), ("hostname", false, "mx.b.example"),
      ("nexthop", false, "b.example"), ("x.example", false, "x.example"),
      ("[192.0.2.1]", true, nil),
    ] as [(String?, Bool, String?)]
  )
  func `SNI is what the server sends`(_ stated: String?, _ sends: Bool, _ name: String?) {
    let found = demand(.encrypt, .nothing(isSecure: false)) {
      $0.serverName = stated
      $0.sendsServerName = sends
    }
    #expect(found.serverName == name)
  }

  @Test func `the security level follows whether the peer is authenticated`() {
    let levels = OpenSSLSecurity(authenticated: 1, opportunistic: 0)
    #expect(demand(.encrypt, .nothing(isSecure: false)) { $0.security = levels }.securityLevel == 0)
    #expect(demand(.verify, .nothing(isSecure: false)) { $0.security = levels }.securityLevel == 1)
  }

  @Test func `a chain may be enough, without a name`() {
    let found = demand(.verify, .nothing(isSecure: false)) { $0.checksName = false }
    #expect(found.verification == .names([]))
  }
}
