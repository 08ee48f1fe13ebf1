/// Attempts that are alike within one hour: what diagnosis and reports count.
package struct AttemptTally: Hashable, Sendable {
  package var server: MailServerID
  /// The mail server's host.
  package var host: String
  package var domain: String
  /// As the server writes it; empty where none.
  package var relay: String
  package var outcome: DeliveryOutcome
  package var tried: Bool
  package var security: TransportSecurity
  package var enhancedStatus: EnhancedStatusCode?
  /// The reply with its variable parts folded.
  package var reply: String
  /// The session's failure lines with their variable parts folded, newline separated.
  package var cause: String
  package var count: Int
  package var first: Timestamp
  package var last: Timestamp
  /// One attempt of the kind, as evidence: the result line and the first line of its cause.
  package var sample: LinePosition
  package var causeSample: LinePosition?

  package init(
    server: MailServerID,
    host: String,
    domain: String,
    relay: String,
    outcome: DeliveryOutcome,
    tried: Bool,
    security: TransportSecurity,
    enhancedStatus: EnhancedStatusCode?,
    reply: String,
    cause: String,
    count: Int,
    first: Timestamp,
    last: Timestamp,
    sample: LinePosition,
    causeSample: LinePosition?
  ) {
    self.server = server
    self.host = host
    self.domain = domain
    self.relay = relay
    self.outcome = outcome
    self.tried = tried
    self.security = security
    self.enhancedStatus = enhancedStatus
    self.reply = reply
    self.cause = cause
    self.count = count
    self.first = first
    self.last = last
    self.sample = sample
    self.causeSample = causeSample
  }
}
