/// What a server's own form tells of one line read by itself, without the lines around it.
package struct LoneLine: Hashable, Sendable {
  /// The side of the session that wrote it; nil where the form does not tell.
  package var side: Side?
  /// Whether the line tells of a success: then it reports no failure, whatever words it quotes.
  package var isSuccess: Bool
  /// Where in the line stands what happened, behind stamps, ids and delays.
  package var statement: Range<Int>

  package init(side: Side?, isSuccess: Bool = false, statement: Range<Int>) {
    self.side = side
    self.isSuccess = isSuccess
    self.statement = statement
  }
}
