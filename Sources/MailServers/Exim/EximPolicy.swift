import MailModel

/// What the transport in use demands of TLS. A host that has to be verified, but not to speak TLS, gets
/// its mail in clear when verification fails: no demand. Source: the specification, chapter 43.
extension EximConfiguration {
  func tlsPolicy(domain: String, nextHop: String?) -> TLSPolicy? {
    let names = Set(routers.compactMap { $0["transport"] })
    let transport =
      EximRoute(
        domain: domain,
        routers: routers,
        transports: transports,
        domainLists: domainLists
      )?.transport ?? transports.first { names.isEmpty && $0["driver"] == "smtp" }
    guard let transport,
      let demand = EximConfiguration.names(transport["hosts_require_tls"], nextHop)
    else { return nil }
    var policy = TLSPolicy(level: .encrypt, origin: demand, source: paths.first)
    if EximConfiguration.names(transport["tls_verify_hosts"], nextHop) != nil {
      let checksNames = EximConfiguration.names(
        transport["tls_verify_cert_hostnames"] ?? "*",
        nextHop
      )
      policy.level = checksNames == nil ? .verify : .secure
    }
    func file(_ option: String) -> String? {
      transport[option].flatMap { $0.hasPrefix("/") && !$0.contains("$") ? $0 : nil }
    }
    policy.caFile = file("tls_verify_certificates")
    policy.clientCertificate = file("tls_certificate")
    policy.clientKey = file("tls_privatekey") ?? policy.clientCertificate
    return policy
  }

  /// Whether a host list names everyone or just this host; nil where it does not, or where an
  /// expansion or a lookup decides.
  private static func names(_ list: String?, _ host: String?) -> TLSPolicy.Origin? {
    guard let list else { return nil }
    let items = list.split(separator: ":").map(\.trimmed)
    if let host, items.contains(host) { return .destination }
    if items.contains("!" + (host ?? "")) || items.contains("! " + (host ?? "")) { return nil }
    return items.contains("*") ? .everyone : nil
  }
}
