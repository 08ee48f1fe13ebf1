import Experiment
import MailModel
import TestSupport
import Testing

@testable import mailtriage

/// Where trials of a destination go, as the DNS tells.
@Suite(.enabled(if: LoopbackReceivers.shared != nil, "python3-cryptography is needed"))
struct TrialRouteTests {
  private func resolver() throws -> Resolver {
    Resolver(
      address: "127.0.0.1",
      port: try #require(LoopbackReceivers.shared).port("dns"),
      timeout: 2
    )
  }

  private func route(_ name: String, mayAskPrivate: Bool = true) throws -> TrialRoute {
    let dns = try resolver()
    let domain = try #require(HostName(anyScript: name))
    return TrialRoute(domain, dns.mailExchangers(domain), dns, mayAskPrivate: mayAskPrivate)
  }

  @Test(arguments: [
    ("receiver.example", ["mx.receiver.example 127.0.0.1"]),
    // By preference, each host with all its addresses, IPv4 first.
    (
      "several.example",
      ["a.several.example 127.0.0.1", "b.several.example 127.0.0.1", "b.several.example ::1"]
    ),
    // Without MX records the domain is its own mail host.
    ("own.example", ["own.example 127.0.0.1"]), ("alias.example", ["mx.alias.example 127.0.0.1"]),
    ("müller.example", ["mx.receiver.example 127.0.0.1"]),
  ])
  func `mail goes to the hosts that the DNS names`(_ domain: String, _ expected: [String]) throws {
    guard case .paths(let paths) = try route(domain) else {
      Issue.record("no path for \(domain)")
      return
    }
    #expect(paths.map { "\($0.host) \($0.address)" } == expected)
    #expect(paths.allSatisfy { $0.port == 25 && $0.isExchanger && $0.isSigned })
  }

  @Test(arguments: [
    ("null.example", "null MX"), ("gone.example", "does not exist"),
    ("nowhere.example", "does not exist"), ("broken.example", "SERVFAIL"),
    ("half.example", "SERVFAIL"), ("literal.example", "127.0.0.1"),
  ])
  func `where it gets to no host, the reason is told`(_ domain: String, _ reason: String) throws {
    guard case .none(let told) = try route(domain) else {
      Issue.record("a path for \(domain)")
      return
    }
    #expect(told.contains(reason), "\(told)")
  }

  @Test func `private addresses that others name are not tried`() throws {
    guard case .none(let told) = try route("receiver.example", mayAskPrivate: false) else {
      Issue.record("a path to loopback")
      return
    }
    #expect(told.contains("private and loopback addresses"), "\(told)")
  }

  @Test func `records lie below the name that an alias stands for, and unsigned ones bind nothing`()
    throws
  {
    let dns = try resolver()
    let alias = dns.tlsaLookup(try #require(HostName("mx.alias.example")), port: 25)
    #expect(alias.base == "real.alias.example")
    #expect(alias.answer.values.count == 1)
    let plain = dns.tlsaLookup(try #require(HostName("mx.dane.example")), port: 25)
    #expect(plain.base == nil)
    #expect(plain.answer.isSigned)
    let unsigned = dns.tlsaLookup(try #require(HostName("mx.unsigned.example")), port: 25)
    #expect(!unsigned.answer.isSigned)
    #expect(
      dns.tlsaLookup(try #require(HostName("mx.receiver.example")), port: 25).answer.values.isEmpty
    )
  }

  @Test(arguments: [
    ("[mx.receiver.example]:587", ["mx.receiver.example 127.0.0.1 587"]),
    ("receiver.example", ["mx.receiver.example 127.0.0.1 25"]),
    ("[192.0.2.7]", ["192.0.2.7 192.0.2.7 25"]), ("[::1]:2525", ["::1 ::1 2525"]),
    ("own.example:26", ["own.example 127.0.0.1 26"]),
  ])
  func `a relay of the configuration is where the mail goes`(
    _ relay: String,
    _ expected: [String]
  ) throws {
    guard case .paths(let paths)? = TrialRoute(relay: relay, try resolver()) else {
      Issue.record("no path over \(relay)")
      return
    }
    #expect(paths.map { "\($0.host) \($0.address) \($0.port)" } == expected)
  }
}
