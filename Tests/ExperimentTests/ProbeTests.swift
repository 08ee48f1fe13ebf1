import Experiment
import Foundation
import MailModel
import TestSupport
import Testing

/// What a probe tells of receivers with a fault each, found through their MX and TLSA records.
struct ProbeTests {
  private struct Expected {
    var id: String
    var stage: Stage?
    var failure: FailureClass?
    /// OpenSSL's number; nil where there is no session.
    var verifyCode: Int?
    var daneIsOK: Bool?

    init(
      _ id: String,
      verify: Int? = nil,
      fails stage: Stage? = nil,
      _ failure: FailureClass? = nil,
      dane: Bool? = nil
    ) {
      self.id = id
      self.stage = stage
      self.failure = failure
      verifyCode = verify
      daneIsOK = dane
    }
  }

  private static let table: [Expected] = [
    Expected("ok-trusted", verify: 0), Expected("expired", verify: 10),
    Expected("notyet", verify: 9), Expected("selfsigned-verify", verify: 18),
    Expected("missing-intermediate", verify: 20), Expected("hostname-mismatch", verify: 0),
    Expected("ok-plain"), Expected("mangled-starttls-may"),
    Expected("starttls-close", fails: .handshake, .handshakeDisconnected),
    Expected("refused", fails: .connect, .connectionRefused),
    Expected("dane-ok", verify: 18, dane: true),
    Expected("dane-tlsa-mismatch", verify: 18, dane: false),
  ]

  @Test(
    .enabled(if: Sinks.canRun, "python3-cryptography is missing"),
    .timeLimit(.minutes(30))
  )
  func `each receiver is told for what it is`() throws {
    let ids = ProbeTests.table.map(\.id) + ["dane-servfail", "null-mx", "dns-nxdomain"]
    let sinks = try Sinks(ids)
    defer { sinks.stop() }
    let probe = Probe(
      resolver: Resolver(address: sinks.dnsAddress, port: sinks.dnsPort, timeout: 2),
      heloName: "sender.example",
      timeout: 3,
      caFile: sinks.directory + "/pki/trusted-ca.pem",
      mayAskPrivate: true,
      triesVersions: false,
      port: sinks.port
    )
    func look(_ id: String) throws -> DestinationProbe {
      let row = try sinks.row(id)
      return probe.look(at: try #require(HostName(row.domain)), pause: {})
    }
    for expected in ProbeTests.table {
      let found = try look(expected.id)
      let host = try #require(found.hosts.first, "\(expected.id): \(found.trouble ?? "")")
      #expect(host.preference == 10)
      #expect(host.session.failedStage == expected.stage, "\(expected.id)")
      #expect(host.session.failureClass == expected.failure, "\(expected.id)")
      if let code = expected.verifyCode {
        #expect(host.session.facts?.verifyCode == code, "\(expected.id)")
        #expect(host.session.facts?.chain.isEmpty == false, "\(expected.id)")
        #expect(host.isNameMatched == (expected.id != "hostname-mismatch"), "\(expected.id)")
      }
      #expect(host.daneSession?.isOK == expected.daneIsOK, "\(expected.id)")
      #expect(found.sts?.mode == STSPolicy.Mode.none)
      // A probe never goes further than EHLO.
      #expect(!host.session.stages.contains { $0.stage == .mail || $0.stage == .rcpt })
    }
    let mangled = try look("mangled-starttls-may")
    #expect(mangled.hosts.first?.session.notes.contains { $0.contains("mangled") } == true)
    let failing = try look("dane-servfail").hosts.first?.tlsa
    if case .failed = failing {
    } else {
      Issue.record("a SERVFAIL is no answer: \(String(describing: failing))")
    }
    #expect(try look("null-mx").trouble?.contains("null MX") == true)
    #expect(try look("dns-nxdomain").trouble != nil)
  }

  @Test(arguments: [
    (["mx.example.com"], "mx.example.com", true), (["*.example.com"], "mx.example.com", true),
    (["*.example.com"], "a.b.example.com", false), (["*.example.com"], "example.com", false),
    (["MX.Example.com"], "mx.example.COM", true), ([], "mx.example.com", false),
  ])
  func `names match as RFC 6125 says`(_ names: [String], _ host: String, _ isMatch: Bool) {
    #expect(Probe.matches(names, host) == isMatch)
  }
}
