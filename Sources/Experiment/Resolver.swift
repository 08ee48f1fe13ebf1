import CLDNS
import Glibc
package import MailModel

/// What the DNS said to one question.
package enum DNSAnswer<Value: Hashable & Sendable>: Hashable, Sendable {
  /// `isSecure`: the resolver validated it (the AD bit).
  case found([Value], isSecure: Bool)
  case nothing(isSecure: Bool)
  /// No answer, or SERVFAIL, which is also what bogus DNSSEC gives.
  case failed(String)

  package var values: [Value] {
    if case .found(let values, _) = self { return values }
    return []
  }
}

/// Where the TLSA records of a host were found.
package struct TLSALookup: Hashable, Sendable {
  package var answer: DNSAnswer<TLSARecord>
  /// The name below which they lie, if not the host's own: what its alias stands for.
  package var base: String?

  package init(_ answer: DNSAnswer<TLSARecord>, base: String? = nil) {
    self.answer = answer
    self.base = base
  }

  package static func nothing(isSecure: Bool) -> TLSALookup {
    TLSALookup(.nothing(isSecure: isSecure))
  }
}

/// A mail exchanger.
package struct MailExchanger: Hashable, Sendable {
  package var preference: Int
  package var name: String

  package init(preference: Int, name: String) {
    self.preference = preference
    self.name = name
  }
}

/// DNS through ldns: bounded in time and in the number of answers used.
package struct Resolver: Sendable {
  /// A numeric address; nil reads `/etc/resolv.conf`.
  package var address: String?
  package var port: UInt16
  /// Seconds for one question.
  package var timeout: Int

  package init(address: String? = nil, port: UInt16 = 53, timeout: Int = 5) {
    self.address = address
    self.port = port
    self.timeout = timeout
  }

  private static let mostAnswers = 50

  /// The MX hosts in order of preference; a null MX (RFC 7505) is found with an empty name.
  package func mailExchangers(_ domain: HostName) -> DNSAnswer<MailExchanger> {
    ask(domain.description, LDNS_RR_TYPE_MX) { fields in
      guard fields.count == 2, let preference = Int(fields[0]) else { return nil }
      let name = fields[1] == "." ? "" : HostName(fields[1])?.description
      return name.map { MailExchanger(preference: preference, name: $0) }
    }.sorted { ($0.preference, $0.name) < ($1.preference, $1.name) }
  }

  /// Addresses, IPv6 behind IPv4.
  package func addresses(_ host: HostName) -> [String] { addressAnswer(host).values }

  /// Addresses, IPv6 behind IPv4. It has failed where neither question was answered with an address
  /// and one of them failed; it is secure where all that was found is.
  package func addressAnswer(_ host: HostName) -> DNSAnswer<String> {
    let four: DNSAnswer<String> = ask(host.description, LDNS_RR_TYPE_A) { $0.first }
    let six: DNSAnswer<String> = ask(host.description, LDNS_RR_TYPE_AAAA) { $0.first }
    switch (four, six) {
    case (.found(let some, let isSecure), .found(let more, let isOtherSecure)):
      return .found(some + more, isSecure: isSecure && isOtherSecure)
    case (.found, _): return four
    case (_, .found): return six
    case (.failed, _): return four
    case (_, .failed): return six
    case (.nothing(let isSecure), .nothing(let isOtherSecure)):
      return .nothing(isSecure: isSecure && isOtherSecure)
    }
  }

  /// Why a host has no address to be used, for people.
  package func reason(for host: HostName, _ answer: DNSAnswer<String>) -> String {
    switch answer {
    case .failed(let reason): reason
    case .found(let addresses, _):
      "\(host) leads to \(addresses.prefix(3).joined(separator: ", ")): private and loopback "
        + "addresses are tried only where they are named"
    case .nothing:
      isUnknown(host) ? "\(host) does not exist (NXDOMAIN)" : "\(host) has no address"
    }
  }

  /// Whether the DNS says that there is no such name (NXDOMAIN).
  package func isUnknown(_ name: HostName) -> Bool {
    guard let answer = packet(name.description, LDNS_RR_TYPE_SOA).found else { return false }
    defer { ldns_pkt_free(answer) }
    return ldns_pkt_get_rcode(answer) == LDNS_RCODE_NXDOMAIN
  }

  /// The TLSA records of SMTP on `port`, as RFC 7672 section 2.2 wants them to be looked for: only
  /// where the host's addresses are signed, and first below the name that an alias stands for.
  package func tlsaLookup(_ host: HostName, port: UInt16) -> TLSALookup {
    switch addressAnswer(host) {
    case .failed(let reason): return TLSALookup(.failed(reason))
    case .nothing(isSecure: false), .found(_, isSecure: false):
      // Records below an unsigned host bind nothing; they are worth a word all the same.
      let records = tlsa(host, port: port).values
      return records.isEmpty
        ? .nothing(isSecure: false) : TLSALookup(.found(records, isSecure: false))
    case .nothing, .found: break
    }
    if let expanded = alias(host), expanded != host {
      let found = tlsa(expanded, port: port)
      switch found {
      case .found(_, isSecure: true), .failed:
        return TLSALookup(found, base: expanded.description)
      case .found, .nothing: break
      }
    }
    return TLSALookup(tlsa(host, port: port))
  }

  /// The name at the end of a signed chain of aliases; nil where the host is none.
  private func alias(_ host: HostName) -> HostName? {
    guard let answer = packet(host.description, LDNS_RR_TYPE_A).found else { return nil }
    defer { ldns_pkt_free(answer) }
    guard ldns_pkt_ad(answer) != 0,
      let list = ldns_pkt_rr_list_by_type(answer, LDNS_RR_TYPE_CNAME, LDNS_SECTION_ANSWER)
    else { return nil }
    defer { ldns_rr_list_deep_free(list) }
    var targets: [String: String] = [:]
    for index in 0..<min(ldns_rr_list_rr_count(list), Resolver.mostAnswers) {
      guard let record = ldns_rr_list_rr(list, index),
        let owner = ldns_rdf2str(ldns_rr_owner(record))
      else { continue }
      defer { free(owner) }
      guard let name = HostName(String(cString: owner))?.description,
        let target = Resolver.fields(record).first.flatMap({ HostName($0)?.description })
      else { continue }
      targets[name.lowercased()] = target.lowercased()
    }
    var name = host.description.lowercased()
    var steps = 0
    while let next = targets[name], steps < 16 {
      name = next
      steps += 1
    }
    return steps == 0 ? nil : HostName(name)
  }

  /// The TLSA records below a name.
  package func tlsa(_ host: HostName, port: UInt16) -> DNSAnswer<TLSARecord> {
    ask("_\(port)._tcp.\(host)", LDNS_RR_TYPE_TLSA) { fields in
      guard fields.count == 4, let usage = UInt8(fields[0]), let selector = UInt8(fields[1]),
        let matching = UInt8(fields[2]), let data = Resolver.bytes(hex: fields[3])
      else { return nil }
      return TLSARecord(usage: usage, selector: selector, matching: matching, data: data)
    }
  }

  /// TXT records, each as one text without its quotes.
  package func texts(_ name: String) -> DNSAnswer<String> {
    ask(name, LDNS_RR_TYPE_TXT) { fields in
      fields.map { $0.hasPrefix("\"") ? String($0.dropFirst().dropLast()) : $0 }.joined()
    }
  }

  private static func bytes(hex: String) -> [UInt8]? {
    let digits = Array(hex.utf8)
    guard digits.count % 2 == 0, digits.count <= 8192 else { return nil }
    var out: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16)
      else { return nil }
      out.append(byte)
    }
    return out
  }

  /// What came back for a question; whoever takes it frees it.
  private enum Packet {
    case answer(UnsafeMutablePointer<ldns_pkt>)
    case failed(String)

    var found: UnsafeMutablePointer<ldns_pkt>? {
      if case .answer(let packet) = self { return packet }
      return nil
    }
  }

  private func packet(_ name: String, _ type: ldns_rr_type) -> Packet {
    guard let resolver = open() else { return .failed("no resolver could be set up") }
    defer { ldns_resolver_deep_free(resolver) }
    guard let question = ldns_dname_new_frm_str(name) else { return .failed("not a name") }
    defer { ldns_rdf_deep_free(question) }
    var packet: OpaquePointer?
    let status = withUnsafeMutablePointer(to: &packet) {
      $0.withMemoryRebound(to: UnsafeMutablePointer<ldns_pkt>?.self, capacity: 1) {
        ldns_resolver_query_status($0, resolver, question, type, LDNS_RR_CLASS_IN, UInt16(LDNS_RD))
      }
    }
    guard status == LDNS_STATUS_OK, let raw = packet else {
      return .failed("no answer to \(name)")
    }
    return .answer(UnsafeMutablePointer<ldns_pkt>(raw))
  }

  private func ask<Value: Hashable & Sendable>(
    _ name: String,
    _ type: ldns_rr_type,
    read: ([String]) -> Value?
  ) -> DNSAnswer<Value> {
    let answer: UnsafeMutablePointer<ldns_pkt>
    switch packet(name, type) {
    case .failed(let reason): return .failed(reason)
    case .answer(let packet): answer = packet
    }
    defer { ldns_pkt_free(answer) }
    let isSecure = ldns_pkt_ad(answer) != 0
    switch ldns_pkt_get_rcode(answer) {
    case LDNS_RCODE_NOERROR: break
    case LDNS_RCODE_NXDOMAIN: return .nothing(isSecure: isSecure)
    case LDNS_RCODE_SERVFAIL: return .failed("the resolver failed on \(name) (SERVFAIL)")
    default: return .failed("the resolver refused to answer \(name)")
    }
    guard let list = ldns_pkt_rr_list_by_type(answer, type, LDNS_SECTION_ANSWER) else {
      return .nothing(isSecure: isSecure)
    }
    defer { ldns_rr_list_deep_free(list) }
    var values: [Value] = []
    for index in 0..<min(ldns_rr_list_rr_count(list), Resolver.mostAnswers) {
      guard let record = ldns_rr_list_rr(list, index) else { continue }
      if let value = read(Resolver.fields(record)) { values.append(value) }
    }
    return values.isEmpty ? .nothing(isSecure: isSecure) : .found(values, isSecure: isSecure)
  }

  private static func fields(_ record: UnsafeMutablePointer<ldns_rr>) -> [String] {
    (0..<min(ldns_rr_rd_count(record), 64)).compactMap { index in
      guard let text = ldns_rdf2str(ldns_rr_rdf(record, index)) else { return nil }
      defer { free(text) }
      return String(cString: text)
    }
  }

  private func open() -> UnsafeMutablePointer<ldns_resolver>? {
    var resolver: UnsafeMutablePointer<ldns_resolver>?
    if let address {
      resolver = ldns_resolver_new()
      let type = address.contains(":") ? LDNS_RDF_TYPE_AAAA : LDNS_RDF_TYPE_A
      guard let server = ldns_rdf_new_frm_str(type, address) else {
        ldns_resolver_deep_free(resolver)
        return nil
      }
      ldns_resolver_push_nameserver(resolver, server)
      ldns_rdf_deep_free(server)
      ldns_resolver_set_port(resolver, port)
      ldns_resolver_set_recursive(resolver, 1)
    } else {
      guard ldns_resolver_new_frm_file(&resolver, nil) == LDNS_STATUS_OK else { return nil }
    }
    ldns_resolver_set_dnssec(resolver, 1)
    ldns_resolver_set_retry(resolver, 2)
    ldns_resolver_set_timeout(resolver, timeval(tv_sec: max(timeout, 1), tv_usec: 0))
    return resolver
  }
}

extension DNSAnswer {
  fileprivate func sorted(_ areInOrder: (Value, Value) -> Bool) -> DNSAnswer {
    guard case .found(let values, let isSecure) = self else { return self }
    return .found(values.sorted(by: areInOrder), isSecure: isSecure)
  }
}
