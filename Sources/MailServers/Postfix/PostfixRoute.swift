import MailModel

/// How Postfix carries a domain's mail: the service in master.cf and the next hop, which is the key
/// of `smtp_tls_policy_maps`. Source: transport(5), postconf(5) relayhost, default_transport.
struct PostfixRoute: Hashable, Sendable {
  /// The service in master.cf that runs smtp(8) for it.
  var service = "smtp"
  /// The domain, or `[smart.example.net]:587` where a relay host or a transport table says so.
  var nextHop: String
  /// All mail of a relay host is concerned, not just one domain's.
  var isRelayed = false
}

extension PostfixConfiguration {
  /// The service that carries mail to other hosts where no table says otherwise.
  var outgoingService: String {
    let stated = parameters.value("default_transport")?.split(separator: ":").first.map(String.init)
    return stated.flatMap { $0.isServiceName ? $0 : nil } ?? "smtp"
  }

  /// A relay host's or a transport table's next hop.
  func relay(for domain: String) -> String? {
    let route = route(to: domain)
    return route.isRelayed ? route.nextHop : nil
  }

  /// Where mail to `domain` goes, as far as the files read tell.
  func route(to domain: String) -> PostfixRoute {
    let domain = domain.lowercased()
    var route = PostfixRoute(service: outgoingService, nextHop: domain)
    if let relay = firstHop(parameters.value("relayhost")) {
      route.nextHop = relay
      route.isRelayed = true
    }
    guard let entry = transportEntry(of: domain) else { return route }
    let colon = entry.firstIndex(of: ":") ?? entry.endIndex
    let service = String(entry[..<colon]).trimmed
    let hop = colon == entry.endIndex ? "" : String(entry[entry.index(after: colon)...])
    if service.isServiceName {
      // A transport without a next hop goes to the domain itself, past the relay host.
      route = PostfixRoute(service: service, nextHop: domain)
    }
    if let hop = firstHop(hop) {
      route.nextHop = hop
      route.isRelayed = hop != domain
    }
    return route
  }

  /// The keys under which a transport table holds a domain, the most specific first.
  private func transportEntry(of domain: String) -> String? {
    var keys = [domain]
    var rest = domain[...]
    while let dot = rest.firstIndex(of: ".") {
      keys.append(String(rest[dot...]))
      rest = rest[rest.index(after: dot)...]
    }
    keys.append("*")
    return keys.lazy.compactMap { transports[$0] }.first
  }

  /// The first of a list of next hops, lower case; nil where it is empty or holds what no host has.
  private func firstHop(_ text: String?) -> String? {
    guard
      let hop = text?.split(whereSeparator: { $0 == "," || $0 == " " || $0 == "\t" }).first?
        .lowercased(), hop.utf8.count <= 300,
      hop.utf8.allSatisfy({ byte in
        (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39)
          || [0x2d, 0x2e, 0x3a, 0x5b, 0x5d, 0x5f].contains(byte)
      })
    else { return nil }
    return hop
  }
}

extension String {
  /// What names a service in master.cf and is safe as a shell word.
  var isServiceName: Bool {
    !isEmpty && utf8.count <= 60 && first != "-"
      && utf8.allSatisfy { byte in
        (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a)
          || (byte >= 0x61 && byte <= 0x7a) || byte == 0x2d || byte == 0x5f
      }
  }
}
