import MailModel

/// Which router carries mail for a domain, and over which transport. Routers are asked in their order;
/// what lookups and expansions say of a domain is not known here, and such routers are passed over.
struct EximRoute: Hashable, Sendable {
  var router: EximDriver
  var transport: EximDriver

  /// Nil where no router of the configuration takes the domain to an SMTP transport.
  init?(
    domain: String,
    routers: [EximDriver],
    transports: [EximDriver],
    domainLists: [String: String]
  ) {
    let lists = EximDomainList(named: domainLists)
    for router in routers {
      guard let name = router["transport"],
        let transport = transports.first(where: { $0.name == name }), transport["driver"] == "smtp",
        router["domains"].map({ lists.contains(domain, in: $0) ?? false }) ?? true,
        router["verify_only"] == nil
      else { continue }
      self.router = router
      self.transport = transport
      return
    }
    return nil
  }
}

/// Exim's domain lists, as far as they are plain. Source: the specification, chapter 10.
struct EximDomainList {
  var named: [String: String]

  /// Whether the list has the domain; nil where a lookup or an expansion decides.
  func contains(_ domain: String, in list: String, depth: Int = 0) -> Bool? {
    guard depth < 8, !list.contains("$"), !list.contains(";") || list.hasPrefix("<") else {
      return nil
    }
    var separator: Character = ":"
    var text = Substring(list)
    if text.hasPrefix("<"), let mark = text.dropFirst().first {
      separator = mark
      text = text.dropFirst(2)
    }
    var isNegated = false
    for part in text.split(separator: separator) {
      var item = part.trimmed
      isNegated = item.hasPrefix("!")
      if isNegated { item = item.dropFirst().trimmed }
      guard let matches = matches(domain, item, depth: depth) else { return nil }
      if matches { return !isNegated }
    }
    // A list that ends in an exception has all that it does not name.
    return isNegated
  }

  private func matches(_ domain: String, _ item: String, depth: Int) -> Bool? {
    if item == "*" { return true }
    if item.hasPrefix("+") {
      return named[String(item.dropFirst())].flatMap {
        contains(domain, in: $0, depth: depth + 1)
      }
    }
    // The host's own names and addresses.
    if item.hasPrefix("@") { return false }
    if item.hasPrefix("^") || item.contains(";") || item.contains("/") { return nil }
    let name = item.lowercased()
    return name.hasPrefix("*") ? domain.hasSuffix(name.dropFirst()) : name == domain
  }
}
