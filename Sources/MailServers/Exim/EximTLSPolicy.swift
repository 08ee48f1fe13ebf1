import MailModel

/// What an smtp transport of Exim demands of TLS towards a destination. Source: Exim specification,
/// "The smtp transport" and "Encrypted SMTP connections using TLS/SSL".
extension EximConfiguration {
  /// Nil where the configuration read holds no smtp transport, or where what decides cannot be told
  /// without Exim (lookups, expansions).
  func tlsPolicy(domain: String, nextHop: String?) -> TLSPolicy? {
    let names = Set(routers.compactMap { $0["transport"] })
    let route = EximRoute(
      domain: domain.lowercased(),
      routers: routers,
      transports: transports,
      domainLists: domainLists
    )
    let transport =
      route?.transport ?? transports.first { names.isEmpty && $0["driver"] == "smtp" }
    guard let transport else { return nil }
    let reading = Reading(
      transport: transport,
      lists: EximDomainList(named: hostLists),
      domain: domain.lowercased(),
      host: nextHop?.lowercased()
    )
    guard let (level, deciding) = reading.level else { return nil }
    var policy = TLSPolicy(
      level: level,
      origin: deciding.map(reading.origin) ?? .serverDefault,
      source: paths.first.map { "\($0) (transport \(transport.name))" }
    )
    policy.triesDANE = level != .none && reading.matches("hosts_try_dane", or: "*") == true
    policy.checksName = reading.matches("tls_verify_cert_hostnames", or: "*") ?? true
    policy.serverName = reading.text("tls_sni")
    policy.sendsServerName = false
    policy.isImplicit = reading.text("protocol") == "smtps"
    setCertificates(&policy, reading)
    setProtocols(&policy, reading)
    return policy
  }

  private func setCertificates(_ policy: inout TLSPolicy, _ reading: Reading) {
    policy.clientCertificate = reading.path("tls_certificate")
    policy.clientKey = reading.path("tls_privatekey") ?? policy.clientCertificate
    guard let authorities = reading.text("tls_verify_certificates"), authorities != "system" else {
      return
    }
    policy.authorities = .never
    // A directory's own name has no suffix by which to tell it: what ends in one is a file.
    let isFile = authorities.split(separator: "/").last?.contains(".") ?? false
    if isFile { policy.caFile = authorities } else { policy.caPath = authorities }
  }

  /// Debian's Exim is built with GnuTLS: it takes TLS 1.0 and 1024-bit keys, but no SHA-1 chain; a
  /// priority string tells versions. Else the list is OpenSSL's.
  private func setProtocols(_ policy: inout TLSPolicy, _ reading: Reading) {
    policy.minimumProtocol = "TLSv1"
    policy.security = OpenSSLSecurity(authenticated: 0, opportunistic: 0, chain: 1)
    for word in (openSSLOptions ?? "").split(separator: " ") {
      let order = ["+no_tlsv1": "TLSv1.1", "+no_tlsv1_1": "TLSv1.2", "+no_tlsv1_2": "TLSv1.3"]
      if let minimum = order[String(word)] { policy.minimumProtocol = minimum }
      if word == "+no_tlsv1_3" { policy.maximumProtocol = "TLSv1.2" }
    }
    guard let ciphers = reading.text("tls_require_ciphers") else { return }
    guard let priority = GnuTLSPriority(ciphers) else {
      policy.ciphers = ciphers
      return
    }
    policy.minimumProtocol = priority.minimum ?? policy.minimumProtocol
    policy.maximumProtocol = priority.maximum ?? policy.maximumProtocol
  }

  /// One transport, read for one host.
  private struct Reading {
    var transport: EximDriver
    var lists: EximDomainList
    var domain: String
    var host: String?

    /// Whether the host is in a list; `usual` is what holds where the option is not set. Nil where
    /// that cannot be told.
    func matches(_ option: String, or usual: String) -> Bool? {
      let list = transport[option] ?? usual
      return list.isEmpty ? false : lists.contains(host ?? "", in: list)
    }

    private var triesClear: Bool { transport["tls_tempfail_tryclear"].map { $0 != "no" } ?? true }

    /// The level, and the option that decides it where one was set. A verification that is demanded
    /// without TLS being so lets mail out in clear when it fails, unless tls_tempfail_tryclear is off.
    var level: (TLSLevel, String?)? {
      guard let avoids = matches("hosts_avoid_tls", or: "") else { return nil }
      if avoids { return (TLSLevel.none, "hosts_avoid_tls") }
      guard let requiresDANE = matches("hosts_require_dane", or: ""),
        let requires = matches("hosts_require_tls", or: ""),
        let verifies = matches("tls_verify_hosts", or: "")
      else { return nil }
      if requiresDANE { return (.daneOnly, "hosts_require_dane") }
      let isStrict = requires || !triesClear
      if verifies, isStrict {
        return (.verify, requires ? "hosts_require_tls" : "tls_verify_hosts")
      }
      return requires ? (.encrypt, "hosts_require_tls") : (.may, nil)
    }

    /// Whether an option that decides was set for this host, or for all.
    func origin(_ option: String) -> TLSPolicy.Origin {
      // No host has such a name: the list takes it only where it takes all.
      lists.contains("no host at all", in: transport[option] ?? "") == true
        ? .everyone : .destination
    }

    /// A value with the names of host and domain in it; nil where it is empty, or more is to be
    /// expanded.
    func text(_ option: String) -> String? {
      guard var value = transport[option], !value.isEmpty else { return nil }
      for (name, text) in [("domain", domain), ("host", host ?? "")] where !text.isEmpty {
        for form in ["${\(name)}", "$\(name)"] {
          value = value.split(separator: form, omittingEmptySubsequences: false)
            .joined(separator: text)
        }
      }
      return value.contains("$") ? nil : value
    }

    /// A file named; nil where none is, or it is not to be told.
    func path(_ option: String) -> String? { text(option).flatMap { $0.hasPrefix("/") ? $0 : nil } }
  }
}

/// The versions that a priority string of GnuTLS allows. Source: GnuTLS manual, "Priority strings".
struct GnuTLSPriority: Hashable, Sendable {
  private(set) var minimum: String?
  private(set) var maximum: String?

  private static let order = ["1.0", "1.1", "1.2", "1.3"]
  private static let keywords = [
    "NORMAL", "PERFORMANCE", "SECURE", "LEGACY", "PFS", "SUITEB", "NONE", "@SYSTEM",
  ]

  /// Nil where the text is none.
  init?(_ text: String) {
    let words = text.uppercased().split(separator: ":").map(\.trimmed)
    guard let first = words.first, GnuTLSPriority.keywords.contains(where: first.hasPrefix) else {
      return nil
    }
    var allowed = Set(first == "NONE" ? [] : GnuTLSPriority.order)
    for word in words.dropFirst() {
      guard let sign = word.first, "+-!".contains(sign), word.dropFirst().hasPrefix("VERS-") else {
        continue
      }
      let name = word.dropFirst(6)
      let versions =
        name.hasSuffix("ALL") ? GnuTLSPriority.order : [String(name.drop { !$0.isNumber })]
      if sign == "+" {
        allowed.formUnion(versions)
      } else {
        allowed.subtract(versions)
      }
    }
    let left = GnuTLSPriority.order.filter(allowed.contains)
    func name(_ version: String?) -> String? {
      version.map { $0 == "1.0" ? "TLSv1" : "TLSv" + $0 }
    }
    minimum = name(left.first)
    maximum = left.last == "1.3" ? nil : name(left.last)
  }
}
