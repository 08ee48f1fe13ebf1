/// From when on a rule alerts. Durations in seconds.
package struct AlertThresholds: Hashable, Sendable {
  /// A fix-by deadline nearer than this.
  package var fixByWithin: Double
  /// So many messages returned within a day.
  package var ndrWave: Int
  /// Waiting mail that grew by this factor within an hour.
  package var backlogGrowth: Double
  /// No growth alert below so many waiting messages.
  package var backlogMinimum: Int
  /// Arrivals below this share of the usual.
  package var inboundDrop: Double
  /// A newest log line older than this.
  package var noInputFor: Double

  package init(
    fixByWithin: Double,
    ndrWave: Int,
    backlogGrowth: Double,
    backlogMinimum: Int,
    inboundDrop: Double,
    noInputFor: Double
  ) {
    self.fixByWithin = fixByWithin
    self.ndrWave = ndrWave
    self.backlogGrowth = backlogGrowth
    self.backlogMinimum = backlogMinimum
    self.inboundDrop = inboundDrop
    self.noInputFor = noInputFor
  }
}

/// How much flows and waits, beside what it did before.
package struct MailFlow: Hashable, Sendable {
  /// Deferred messages that wait now, and that waited an hour ago.
  package var waiting: Int
  package var waitingBefore: Int
  /// Arrivals of the last whole hour with input; nil where there is none.
  package var arrivals: Int?
  /// The median of the hours that it is compared with, the same hour of earlier days where there are
  /// enough of them; nil where there are too few hours.
  package var usualArrivals: Int?

  package init(waiting: Int, waitingBefore: Int, arrivals: Int?, usualArrivals: Int?) {
    self.waiting = waiting
    self.waitingBefore = waitingBefore
    self.arrivals = arrivals
    self.usualArrivals = usualArrivals
  }
}
