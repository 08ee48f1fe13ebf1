/// Of which time each source has told for each origin: where two of one origin overlap they are
/// compared event by event.
struct ToldSpans {
  /// By origin and source.
  private var spans: [Int64: [Int64: ClosedRange<Int64>]] = [:]
  private(set) var count = 0

  /// Held at most: hosts are named by who writes the log.
  private static let most = 200_000

  subscript(key: IngestWriter.SourceOrigin) -> ClosedRange<Int64>? {
    get { spans[key.origin]?[key.source] }
    set {
      guard let newValue else { return }
      if spans[key.origin, default: [:]].updateValue(newValue, forKey: key.source) == nil {
        count += 1
      }
    }
  }

  /// From the first to the last of what sources other than `source` told of `origin`, of those that
  /// reach `moment`.
  func others(than source: Int64, of origin: Int64, reaching moment: Int64) -> ClosedRange<Int64>? {
    var all: ClosedRange<Int64>?
    for (other, span) in spans[origin] ?? [:] where other != source && span.upperBound >= moment {
      let known = all ?? span
      all = min(known.lowerBound, span.lowerBound)...max(known.upperBound, span.upperBound)
    }
    return all
  }

  /// Forgets the older half, once there are too many.
  mutating func forgetOldest() {
    guard count > ToldSpans.most else { return }
    let ends = spans.values.flatMap { $0.values.map(\.upperBound) }.sorted()
    let limit = ends[ends.count / 2]
    for (origin, sources) in spans {
      let kept = sources.filter { $0.value.upperBound > limit }
      spans[origin] = kept.isEmpty ? nil : kept
    }
    count = spans.values.reduce(0) { $0 + $1.count }
  }
}
