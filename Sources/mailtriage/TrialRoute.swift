import Experiment
import MailModel

/// A peer of trials.
struct TrialPath {
  /// The name that the mail server would look for.
  var host: String
  var address: String
  var port: UInt16
  /// Whether it is an MX of the destination, or where the server's own configuration sends its mail.
  var isExchanger: Bool
  /// Whether what led to it is signed: DANE counts on that.
  var isSigned: Bool
}

/// Where trials of a destination go.
enum TrialRoute {
  /// In the order in which a mail server takes them.
  case paths([TrialPath])
  /// The mail gets to no host at all, and why.
  case none(String)

  /// Hosts and addresses that are tried, at most.
  static let mostPaths = 5

  /// The MX hosts with their addresses, or the domain itself where it has none (RFC 5321 section
  /// 5.1). `mayAskPrivate`: what the DNS of others names is no reason to knock at our own doors.
  init(
    _ domain: HostName,
    _ exchangers: DNSAnswer<MailExchanger>,
    _ dns: Resolver,
    mayAskPrivate: Bool,
    port: UInt16 = 25
  ) {
    var names = exchangers.values.map(\.name)
    switch exchangers {
    case .failed(let reason):
      self = .none("the mail hosts are not known: \(reason)")
      return
    case .found where names.contains(""):
      self = .none("\(domain) takes no mail (null MX, RFC 7505)")
      return
    case .found: break
    case .nothing: names = [domain.description]
    }
    var paths: [TrialPath] = []
    var reasons: [String] = []
    for host in names.prefix(10).compactMap({ HostName($0) }) {
      let answer = dns.addressAnswer(host)
      let usable = answer.values.filter { mayAskPrivate || !Address.isPrivate($0) }
      if usable.isEmpty { reasons.append(dns.reason(for: host, answer)) }
      paths += usable.map {
        TrialPath(
          host: host.description,
          address: $0,
          port: port,
          isExchanger: true,
          isSigned: exchangers.isSigned
        )
      }
    }
    self =
      paths.isEmpty
      ? .none("no mail host with a usable address: " + reasons.joined(separator: "; "))
      : .paths(Array(paths.prefix(TrialRoute.mostPaths)))
  }
}

extension TrialRoute {
  /// The relay that the mail server's own configuration names: `[smart.example.net]:587`, or without
  /// brackets through its MX hosts. The operator names it, whatever its address.
  init?(relay: String, _ dns: Resolver) {
    guard let (name, port) = TrialOptions.endpoint(relay, defaultPort: 25) else { return nil }
    let isHost = relay.hasPrefix("[")
    if Address.isNumeric(name) {
      self = .paths([
        TrialPath(host: name, address: name, port: port, isExchanger: true, isSigned: true)
      ])
      return
    }
    guard let host = HostName(anyScript: name) else { return nil }
    let exchangers: DNSAnswer<MailExchanger> =
      isHost
      ? .found([MailExchanger(preference: 0, name: host.description)], isSecure: true)
      : dns.mailExchangers(host)
    self.init(host, exchangers, dns, mayAskPrivate: true, port: port)
  }
}

extension DNSAnswer {
  /// Whether the resolver vouches for the answer, be it that there is nothing.
  var isSigned: Bool {
    switch self {
    case .found(_, let isSecure), .nothing(let isSecure): isSecure
    case .failed: false
    }
  }
}
