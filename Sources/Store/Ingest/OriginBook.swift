import MailModel

/// The numbers of servers on hosts. One host may go by two names: the journal knows all of what syslog
/// cuts at the first dot, unless it is told otherwise, and capitals are one with small letters. And a
/// server may log to syslog, which names the host, and to a file of
/// its own, which names none: such an origin may be the same server as one with a name. Only servers
/// whose message ids are unique write files without a host, so that an id tells.
struct OriginBook {
  private struct Name: Hashable {
    var server: String
    var host: String
  }

  private var numbers: [Name: Int64] = [:]
  private var namesByServer: [String: [(host: String, id: Int64)]] = [:]
  private var kinByOrigin: [Int64: [Int64]] = [:]
  /// The origins of which the hosts' names begin alike, up to the first dot, in small letters.
  private var namesByLabel: [Name: [(host: String, id: Int64)]] = [:]
  /// Origins whose hosts may be one under two names.
  private var namesakes: [Int64: [Int64]] = [:]

  /// With more hosts than this, a file without a name is not held against them.
  private static let hostLimit = 16

  var count: Int { numbers.count }

  init(_ known: [(id: Int64, server: String, host: String)]) {
    for one in known { insert(one.id, server: one.server, host: one.host) }
  }

  /// The number of a server on a host; nil where it has none yet.
  func number(server: MailServerID, host: String) -> Int64? {
    numbers[Name(server: server.description, host: host)]
  }

  /// Gives a server on a host a number.
  mutating func add(server: MailServerID, host: String) -> Int64 {
    let id = Int64(numbers.count + 1)
    insert(id, server: server.description, host: host)
    return id
  }

  /// Other origins that may be the same server.
  @inline(__always)
  func kin(of origin: Int64) -> [Int64] {
    kinByOrigin.isEmpty && namesakes.isEmpty
      ? [] : (kinByOrigin[origin] ?? []) + (namesakes[origin] ?? [])
  }

  private mutating func insert(_ id: Int64, server: String, host: String) {
    numbers[Name(server: server, host: host)] = id
    noteNamesakes(of: id, server: server, host: host.lowercased())
    var names = namesByServer[server] ?? []
    // Beyond that there is nothing to hold against one another any more.
    guard names.count < OriginBook.hostLimit + 2 else { return }
    names.append((host, id))
    namesByServer[server] = names
    guard let nameless = names.first(where: { $0.host.isEmpty })?.id else { return }
    let named = names.filter { !$0.host.isEmpty }.map(\.id)
    let isHeldAgainst = named.count <= OriginBook.hostLimit
    kinByOrigin[nameless] = isHeldAgainst ? named : nil
    for id in named { kinByOrigin[id] = isHeldAgainst ? [nameless] : nil }
  }

  private mutating func noteNamesakes(of id: Int64, server: String, host: String) {
    let label = Name(server: server, host: String(host.prefix { $0 != "." }))
    guard !label.host.isEmpty else { return }
    let alike = namesByLabel[label] ?? []
    guard alike.count < OriginBook.hostLimit else { return }
    for other in alike
    where host == other.host || host == label.host || other.host == label.host {
      namesakes[id, default: []].append(other.id)
      namesakes[other.id, default: []].append(id)
    }
    namesByLabel[label] = alike + [(host, id)]
  }
}
