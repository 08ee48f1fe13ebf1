import Experiment
import MailModel
import MailServers
import Triage

/// What a retry is about: a destination, and the queued message that it came from, if any.
struct RetryTarget {
  var domain: HostName
  var message: WaitingMessage?

  /// The destinations that a queued message still waits for. Throws ``Refusal``.
  static func waiting(_ queueID: String, _ settings: Settings) throws -> [RetryTarget] {
    let places = queues(settings)
    for (server, directory) in places {
      let snapshot = server.readQueue(directory: directory, now: settings.clock)
      guard let queued = snapshot.messages.first(where: { $0.queueID == queueID }) else {
        continue
      }
      let waiting = queued.recipients.filter { !$0.isDone }
      let domains = Set(waiting.map(\.address.mailDomain)).sorted()
      let targets = domains.compactMap { name -> RetryTarget? in
        guard let domain = HostName(anyScript: name) else { return nil }
        return RetryTarget(
          domain: domain,
          message: WaitingMessage(
            queued: queued,
            recipients: waiting.map(\.address).filter { $0.mailDomain == name },
            content: { server.messageContent(directory: directory, queueID: queueID) }
          )
        )
      }
      guard !targets.isEmpty else {
        throw Refusal(.noInput, "\(queueID): it waits for no recipient in a domain")
      }
      return targets
    }
    let names = places.map(\.directory)
    throw Refusal(
      .noInput,
      names.isEmpty
        ? "\(queueID): no queue is known here; name it with --spool DIR"
        : "\(queueID): not in \(names.joined(separator: ", "))"
    )
  }

  /// The queues named, else the configuration's, else this machine's own.
  private static func queues(
    _ settings: Settings
  ) -> [(server: any MailServer, directory: String)] {
    var named = settings.spools + settings.configuration.spools
    if named.isEmpty { named = registeredMailServers.flatMap(\.usualPlaces.queues) }
    return named.flatMap { directory -> [(server: any MailServer, directory: String)] in
      guard let entries = try? BoundedFile.entries(of: directory) else { return [] }
      return registeredMailServers.filter { $0.isQueue(directory: directory, entries: entries) }
        .map { (server: $0, directory: directory) }
    }
  }
}

/// A queued message as far as one destination is concerned.
struct WaitingMessage {
  var queued: QueuedMessage
  /// Those of the destination that wait.
  var recipients: [String]
  /// Header and body; nil where they cannot be had.
  var content: () -> [UInt8]?
}
