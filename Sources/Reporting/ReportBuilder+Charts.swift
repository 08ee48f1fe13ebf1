import Diagnosis
import FoundationEssentials
import MailModel
import Store
import Triage

extension ReportBuilder {
  /// The four charts, those with nothing to draw left out; and how much waited at the end of each of
  /// the days.
  func charts(_ analysis: Analysis, _ days: ReportDays) throws -> ([Chart], waiting: [Int]) {
    let ends = days.bounds.dropFirst().map { min($0, analysis.now) }
    let (backlog, waiting) = try backlog(analysis, days, ends: ends)
    let charts = [backlog, wave(analysis), classes(days), ages(analysis)]
    return (charts.filter { !$0.isEmpty }, waiting)
  }

  private var time: LocalTime { LocalTime(zone: zone) }

  /// The moments of the backlog's curve: round ones, some 24 of them, and the last.
  private static func moments(from: Timestamp, to: Timestamp) -> [Timestamp] {
    let span = to.seconds(since: from)
    guard span > 0 else { return [to] }
    let steps = [
      10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 28_800.0,
    ]
    let step = steps.first { span / $0 <= 26 } ?? 86_400
    // Bounded: a day of an odd length does not matter, a wrong stamp must not.
    let begin = Double(Int64(from.seconds) / Int64(step)) * step
    let floor = Timestamp(seconds: Int64(begin))
    let count = min(Int(to.seconds(since: floor) / step), 400)
    var moments = (0...max(count, 0)).map { floor.advanced(bySeconds: Double($0) * step) }
    if let last = moments.last, last < to { moments.append(to) }
    return moments
  }

  /// The waiting mail of the destinations that have most of it.
  private func backlog(
    _ analysis: Analysis,
    _ days: ReportDays,
    ends: [Timestamp]
  ) throws -> (Chart, waiting: [Int]) {
    let top = analysis.destinations.filter { $0.incident != nil }
      .sorted {
        ($1.queued, $1.history.deferred, $0.domain) < ($0.queued, $0.history.deferred, $1.domain)
      }
      .prefix(6)
    let to = ends.last ?? analysis.now
    // From before the trouble began, so that its mark is in the picture, a day at least.
    let onset = top.compactMap { $0.incident?.onset }.min()?.advanced(bySeconds: -3600) ?? to
    let start = max(min(onset, to.advanced(bySeconds: -86_400)), days.bounds.first ?? to)
    // Hours before the first line tell nothing.
    let from = min(max(start, analysis.sources.compactMap(\.oldest).min() ?? start), to)
    let moments = ReportBuilder.moments(from: from, to: to)
    let all = Set(moments + ends).sorted()
    let found = try store.backlog(at: all, domains: top.map(\.domain))
    let place = Dictionary(
      zip(all, all.indices),
      uniquingKeysWith: { first, _ in first }
    )
    func pick(_ counts: [Int], _ wanted: [Timestamp]) -> [Int] {
      wanted.map { moment in
        place[moment].flatMap { counts.indices.contains($0) ? counts[$0] : nil } ?? 0
      }
    }
    let series = top.map { one in
      ChartSeries(
        name: one.domain.shownDomain,
        values: pick(found.byDomain[one.domain] ?? [], moments).map(Double.init)
      )
    }
    let span = to.seconds(since: from)
    let label = { (moment: Timestamp) in
      span < 1500 ? time.second(moment) : span > 86_400 ? time.short(moment) : time.hour(moment)
    }
    let chart = Chart(
      id: "backlog",
      title: "Waiting mail by destination",
      summary: ReportBuilder.backlogSummary(series, of: analysis),
      form: .lines,
      labels: moments.map(label),
      moments: moments,
      series: series,
      marks: top.compactMap { one in
        one.incident.flatMap {
          $0.onset >= from && $0.onset <= to
            ? ChartMark(
              at: $0.onset,
              label:
                "\(one.domain.shownDomain): \($0.failureClass.rawValue) since \(time.short($0.onset))"
            ) : nil
        }
      },
      unit: "messages"
    )
    return (chart, pick(found.total, ends))
  }

  private static func backlogSummary(_ series: [ChartSeries], of analysis: Analysis) -> String {
    let most = series.max { ($0.values.last ?? 0) < ($1.values.last ?? 0) }
    guard let most, let last = most.values.last, let first = most.values.first else {
      return "Nothing waited."
    }
    let way = last > first ? "growing" : last < first ? "draining" : "as at the beginning"
    return "At the end most waits for \(most.name): \(number(last)) messages by the log, \(way). "
      + "Dashed upright lines mark when trouble began."
  }

  /// NDRs to come, in bars that are not too thin for a telephone: of ten minutes where all lie within
  /// six hours, of an hour within two days, then of three and of six hours. A message makes one NDR for
  /// all of its recipients.
  private func wave(_ analysis: Analysis) -> Chart {
    var first: [String: Timestamp] = [:]
    for one in analysis.schedule {
      guard let expiry = one.expiresAt else { continue }
      first[one.queueID] = min(first[one.queueID] ?? expiry, expiry)
    }
    let expiries = first.values.sorted()
    let span = expiries.last.map { max($0.seconds(since: analysis.now), 0) } ?? 0
    let (step, width) = ReportBuilder.bar(span)
    let begin = Timestamp(seconds: Int64(Double(Int64(Double(analysis.now.seconds) / step)) * step))
    let slots = min(Int((span + step) / step) + 1, 240)
    var values = Array(repeating: 0.0, count: slots)
    for expiry in expiries {
      let slot = Int(min(max(expiry.seconds(since: begin), 0) / step, 1e6))
      values[min(slot, slots - 1)] += 1
    }
    let moments = values.indices.map { begin.advanced(bySeconds: Double($0) * step) }
    let within = expiries.count { $0.seconds(since: analysis.now) <= 86_400 }
    let peak = values.indices.max { values[$0] < values[$1] }
    let top = peak.map {
      " The most in \(width): \(number(values[$0])), from \(time.short(moments[$0])) on."
    }
    return Chart(
      id: "wave",
      title: "NDRs to come",
      summary: "If nothing is repaired, \(within) messages are returned within a day and "
        + "\(expiries.count) in all.\(expiries.isEmpty ? "" : top ?? "")",
      form: .bars,
      labels: moments.map { span > 20 * 3600 ? time.short($0) : time.hour($0) },
      moments: moments,
      series: [ChartSeries(name: "NDRs", values: values)],
      unit: "NDRs"
    )
  }

  /// What one bar covers, in seconds and in words, where all are to cover `span`.
  private static func bar(_ span: Double) -> (seconds: Double, words: String) {
    switch span {
    case ...21_600: (600, "10 min")
    case ...172_800: (3600, "1 h")
    case ...691_200: (10_800, "3 h")
    default: (21_600, "6 h")
    }
  }

  /// Failures by class, over the eight days that end with this one.
  private func classes(_ days: ReportDays) -> Chart {
    var counts: [FailureClass: [Double]] = [:]
    for (index, day) in days.days.enumerated() {
      for (failureClass, count) in day.classes {
        counts[failureClass, default: days.days.map { _ in 0 }][index] += Double(count)
      }
    }
    let ordered = counts.sorted {
      ($1.value.reduce(0, +), $0.key.rawValue) < ($0.value.reduce(0, +), $1.key.rawValue)
    }
    // Eight colours: eight classes, or seven and the rest.
    let shown = ordered.count <= 8 ? 8 : 7
    var series = ordered.prefix(shown).map { ChartSeries(name: $0.key.rawValue, values: $0.value) }
    if ordered.count > shown {
      let rest = ordered.dropFirst(shown)
      series.append(
        ChartSeries(
          name: "\(rest.count) other classes",
          values: days.days.indices.map { index in rest.reduce(0) { $0 + $1.value[index] } }
        )
      )
    }
    return Chart(
      id: "classes",
      title: "Failed attempts by class and day",
      summary: series.first.map {
        "The most frequent class of the eight days is \($0.name) with "
          + "\(number($0.values.reduce(0, +))) failed attempts."
      } ?? "Nothing failed.",
      form: .stackedBars,
      labels: days.bounds.dropLast().map { time.day($0) },
      series: series,
      unit: "attempts"
    )
  }

  /// How old the waiting mail is.
  private func ages(_ analysis: Analysis) -> Chart {
    let limits: [(String, Double)] = [
      ("< 10 min", 600), ("< 1 h", 3600), ("< 6 h", 21_600), ("< 1 d", 86_400),
      ("< 3 d", 259_200), ("older", .infinity),
    ]
    var rows: [String: [Double]] = [:]
    for message in analysis.queue.messages {
      let age = analysis.now.seconds(since: message.arrivedAt)
      let slot = limits.firstIndex { age < $0.1 } ?? limits.count - 1
      for domain in Set(message.recipients.filter { !$0.isDone }.map(\.address.mailDomain)) {
        rows[domain, default: limits.map { _ in 0 }][slot] += 1
      }
    }
    let top = rows.sorted {
      ($1.value.reduce(0, +), $0.key) < ($0.value.reduce(0, +), $1.key)
    }.prefix(12)
    return Chart(
      id: "ages",
      title: "Age of the waiting mail",
      summary:
        "\(analysis.queue.messages.count) messages wait for \(rows.count) destinations; the \(top.count) with the most are shown.",
      form: .heatMap,
      labels: limits.map(\.0),
      series: top.map { ChartSeries(name: $0.key.shownDomain, values: $0.value) },
      unit: "messages"
    )
  }
}
