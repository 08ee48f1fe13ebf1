extension String {
  /// An envelope address's domain: what stands behind the last `@`, lower case, without the dots that
  /// may end it (RFC 5321 section 2.3.5); empty where there is none.
  package var mailDomain: String {
    guard let at = lastIndex(of: "@") else { return "" }
    var domain = self[index(after: at)...].lowercased()
    while domain.hasSuffix(".") { domain.removeLast() }
    return domain
  }
}
