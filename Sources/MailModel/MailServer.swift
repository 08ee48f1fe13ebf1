/// Names a mail server product in the store and in JSON (`postfix`).
package struct MailServerID: Hashable, Sendable, CustomStringConvertible {
  package let description: String
  package init(_ name: String) { description = name }
}

/// Reads the configuration of one mail server product.
package protocol ConfigurationReader: Sendable {
  var id: MailServerID { get }
  /// Whether a file is configuration of this server.
  func isConfiguration(_ file: ConfigurationFile) -> Bool
  /// Reads the files that ``isConfiguration(_:)`` claimed.
  func readConfiguration(_ files: [ConfigurationFile]) -> any MailServerConfiguration
}

/// Everything that mailtriage knows about one mail server product.
///
/// Adding a server is one folder with a conforming type and one line in the registry.
package protocol MailServer: ConfigurationReader {
  /// As people write it: "Postfix".
  var name: String { get }

  /// The type that reads its log lines.
  var dialect: any LogDialect.Type { get }
  /// A reader for the log of one host.
  func makeDialect() -> any LogDialect

  /// Its own texts; general texts (SMTP, OpenSSL, GnuTLS, …) are in Diagnosis.
  var failureRules: [FailureRule] { get }

  /// What its form tells of a line that stands alone: `tag` is its syslog tag (empty where it has
  /// none), `text` what follows. Nil where the line is not, or need not be, this server's.
  func readLone(_ bytes: Span<UInt8>, tag: Range<Int>, text: Range<Int>) -> LoneLine?

  /// Whether a directory is this server's queue; looks at names only, opens nothing.
  func isQueue(directory: String, entries: [String]) -> Bool
  /// Reads a queue directory without lock or write. Files may vanish, move and grow meanwhile.
  func readQueue(directory: String, now: Timestamp) -> QueueSnapshot
  /// Header and body of a queued message, from the queue directory; nil where it is not there, or not
  /// whole. Asked for only where an operator replays the message.
  func messageContent(directory: String, queueID: String) -> [UInt8]?
  /// Reads a queue listing, or a dump of a retry database, given as a file (`postqueue -j`,
  /// `exim -bp`, `exim_dumpdb`, `mailq -v`); nil where the bytes are none of this server's. `head`
  /// holds the first bytes of the file.
  func isQueueListing(head: Span<UInt8>) -> Bool
  /// Reads a listing that ``isQueueListing(head:)`` claimed.
  func readQueueListing(_ bytes: [UInt8], path: String, now: Timestamp) -> QueueSnapshot

  /// What ``schedule(configuration:observed:)`` follows of what the log shows.
  var observations: Set<RetryObservations.Kind> { get }
  /// The retry rule: settings from `configuration`, else from what the log showed, else defaults.
  /// `observed` holds the kinds that ``observations`` names; the others are empty.
  func schedule(
    configuration: (any MailServerConfiguration)?,
    observed: RetryObservations
  ) -> any RetrySchedule

  /// Remedies, least weakening first. Guards are applied by the caller.
  func remedies(for request: RemedyRequest) -> [Remedy]
  /// Configuration that makes a test path: delivery to `domain` without TLS, for trials only.
  func testPathRecipe(domain: HostName) -> String

  /// Where this machine's own log, queue and configuration usually are, if the server runs here.
  var usualPlaces: UsualPlaces { get }
}

/// Default places on Debian.
package struct UsualPlaces: Hashable, Sendable {
  package var logs: [String]
  package var queues: [String]
  package var configuration: [String]
  /// Those of ``configuration`` without which the server is not set up: one of them is enough.
  package var essential: [String]

  package init(
    logs: [String],
    queues: [String],
    configuration: [String],
    essential: [String]? = nil
  ) {
    self.logs = logs
    self.queues = queues
    self.configuration = configuration
    self.essential = essential ?? configuration
  }
}
