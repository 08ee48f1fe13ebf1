package import MailModel

/// What was found of a domain's MTA-STS.
package struct STSFinding: Hashable, Sendable {
  /// Nil where it cannot be told: the record or the policy could not be asked for.
  package var mode: STSPolicy.Mode?
  package var policy: STSPolicy?
  /// The `id` of the record.
  package var id: String?
  /// Why there is no policy though there is a record; nil where all is well, or nothing is published.
  package var failureClass: FailureClass?
  package var detail: String?
}

/// Fetches policies: the record, then one bounded GET over a verified TLS session, no redirects
/// (RFC 8461 section 3.3).
package struct STSFetch: Sendable {
  package var resolver: Resolver
  package var timeout: Double
  /// 443; another one for tests.
  package var port: UInt16
  package var caFile: String?
  /// Whether a private address may be asked: the operator named the resolver.
  package var mayAskPrivate: Bool

  package init(
    resolver: Resolver,
    timeout: Double,
    port: UInt16 = 443,
    caFile: String? = nil,
    mayAskPrivate: Bool = false
  ) {
    self.resolver = resolver
    self.timeout = timeout
    self.port = port
    self.caFile = caFile
    self.mayAskPrivate = mayAskPrivate
  }

  private static let largest = 64 << 10

  /// Asks for a domain's policy.
  package func find(_ domain: HostName) -> STSFinding {
    let records: [String]
    switch resolver.texts("_mta-sts.\(domain)") {
    case .failed(let reason):
      return STSFinding(failureClass: .stsPolicyFetchError, detail: reason)
    case .nothing: return STSFinding(mode: STSPolicy.Mode.none)
    case .found(let texts, _): records = texts.filter { $0.hasPrefix("v=STSv1") }
    }
    // No record, or more than one: the domain has no MTA-STS (section 3.1).
    guard records.count == 1, let record = records.first else {
      return STSFinding(mode: STSPolicy.Mode.none)
    }
    let id = record.split(separator: ";").map { $0.drop { $0 == " " } }
      .first { $0.hasPrefix("id=") }.map { String($0.dropFirst(3).prefix(32)) }
    var finding = STSFinding(id: id)
    do {
      let body = try get(domain)
      guard let policy = STSPolicy(body) else {
        finding.failureClass = .stsPolicyInvalid
        finding.detail = "the policy file is none"
        return finding
      }
      finding.policy = policy
      finding.mode = policy.mode
    } catch let failure as Failure {
      finding.failureClass = failure.failureClass
      finding.detail = String(failure.detail.prefix(500))
    } catch {
      let failure = error as? WireFailure
      finding.failureClass = .stsPolicyFetchError
      finding.detail = "mta-sts.\(domain): \(failure?.detail ?? "no answer")"
    }
    return finding
  }

  private struct Failure: Error {
    var failureClass: FailureClass
    var detail: String
  }

  private func get(_ domain: HostName) throws -> String {
    let name = "mta-sts.\(domain)"
    guard let host = HostName(name),
      let address = resolver.addresses(host).first(where: {
        mayAskPrivate || !Address.isPrivate($0)
      })
    else { throw Failure(failureClass: .stsPolicyFetchError, detail: "\(name): no usable address") }
    let deadline = Wire.now() + timeout
    let wire = try Wire(address: address, port: port, timeout: timeout)
    var demand = TLSDemand(use: .required)
    demand.serverName = name
    demand.caFile = caFile
    try wire.startTLS(demand, until: deadline)
    let facts = wire.facts
    guard facts?.verifyCode == 0, wire.certificateMatches(name) else {
      let reason =
        facts?.verifyCode == 0
        ? "the certificate is for other names" : facts?.verifyText ?? "no certificate"
      throw Failure(failureClass: .stsWebPKIInvalid, detail: "\(name): \(reason)")
    }
    let request =
      "GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: \(name)\r\nConnection: close\r\n"
      + "User-Agent: mailtriage\r\nAccept: text/plain\r\n\r\n"
    try wire.send(Array(request.utf8), until: deadline)
    let status = try wire.line(until: deadline)
    guard status.split(separator: " ").dropFirst().first == "200" else {
      throw Failure(failureClass: .stsPolicyFetchError, detail: "HTTP: \(status.prefix(100))")
    }
    return try body(wire, until: deadline)
  }

  /// The lines behind the header. A policy is made of lines; the size line of a chunk is no
  /// `key: value` and is passed over.
  private func body(_ wire: Wire, until deadline: Double) throws -> String {
    var length: Int?
    var isChunked = false
    for _ in 0..<100 {
      let header = try wire.line(until: deadline).lowercased()
      if header.isEmpty { break }
      if header.hasPrefix("transfer-encoding:") { isChunked = header.contains("chunked") }
      if header.hasPrefix("content-length:") {
        length = Int(header.dropFirst(15).filter { $0 != " " })
      }
    }
    var text = ""
    while text.utf8.count < STSFetch.largest {
      do throws(WireFailure) {
        let line = try wire.line(until: deadline)
        if isChunked, line == "0" { break }
        text += line + "\n"
        if let length, text.utf8.count >= length { break }
      } catch {
        guard error.kind == .closed || error.kind == .reset else { throw error }
        // The last line may have no end.
        text += wire.remainder()
        break
      }
    }
    return text
  }
}
