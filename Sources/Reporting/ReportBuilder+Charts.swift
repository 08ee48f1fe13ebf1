import Diagnosis
import FoundationEssentials
import MailModel
import Store
import Triage

extension ReportBuilder {
  func charts(_ analysis: Analysis, from: Timestamp, to: Timestamp) throws -> [Chart] {
    [
      try backlog(analysis, from: from, to: min(to, analysis.now)), wave(analysis),
      try classes(to: to), ages(analysis),
    ].filter { !$0.isEmpty }
  }

  private var time: LocalTime { LocalTime(zone: zone) }

  /// The waiting mail of the destinations that have most of it, over the day.
  private func backlog(_ analysis: Analysis, from: Timestamp, to: Timestamp) throws -> Chart {
    let top = analysis.destinations.filter { $0.incident != nil }
      .sorted {
        ($1.queued, $1.history.deferred, $0.domain) < ($0.queued, $0.history.deferred, $1.domain)
      }
      .prefix(6)
    // Hours before the first line tell nothing.
    let from = max(from, analysis.sources.compactMap(\.oldest).min() ?? from)
    let span = max(to.seconds(since: from), 60)
    let moments = (0...48).map { from.advanced(bySeconds: span * Double($0) / 48) }
    let counts = try store.backlog(at: moments, domains: top.map(\.domain))
    let series = top.map { one in
      ChartSeries(name: one.domain, values: (counts[one.domain] ?? []).map(Double.init))
    }.filter { !$0.values.isEmpty }
    let most = series.max { ($0.values.last ?? 0) < ($1.values.last ?? 0) }
    return Chart(
      id: "backlog",
      title: "Waiting mail by destination",
      summary: most.map {
        "At the end \(Int($0.values.last ?? 0)) messages wait for \($0.name), the most of all; dashed lines mark when trouble began."
      } ?? "Nothing waited.",
      form: .lines,
      labels: moments.map { time.hour($0) },
      moments: moments,
      series: series,
      marks: top.compactMap { one in
        one.incident.map {
          ChartMark(at: $0.onset, label: "\(one.domain): \($0.failureClass.rawValue)")
        }
      },
      unit: "messages"
    )
  }

  /// NDRs to come, by hour or, where they lie further off, by day.
  private func wave(_ analysis: Analysis) -> Chart {
    let expiries = analysis.schedule.compactMap(\.expiresAt).sorted()
    let span = expiries.last.map { max($0.seconds(since: analysis.now), 0) } ?? 0
    let step = span > 2 * 86_400 ? 6 * 3600.0 : span > 6 * 3600 ? 3600.0 : 600.0
    let slots = min(Int(span / step) + 1, 48)
    var values = Array(repeating: 0.0, count: slots)
    for expiry in expiries {
      let slot = Int(max(expiry.seconds(since: analysis.now), 0) / step)
      if slot < slots { values[slot] += 1 }
    }
    let labels = values.indices.map { index -> String in
      let moment = analysis.now.advanced(bySeconds: Double(index) * step)
      return step >= 6 * 3600 ? time.short(moment) : time.hour(moment)
    }
    let within = expiries.count { $0.seconds(since: analysis.now) <= 86_400 }
    return Chart(
      id: "wave",
      title: "NDRs to come",
      summary:
        "\(within) messages are returned within a day and \(expiries.count) in all, if nothing is repaired.",
      form: .bars,
      labels: labels,
      series: [ChartSeries(name: "NDRs", values: values)],
      unit: "NDRs"
    )
  }

  /// Failures by class, over the eight days that end with this one.
  private func classes(to: Timestamp) throws -> Chart {
    let days = (0..<8).map { to.advanced(bySeconds: Double($0 - 8) * 86_400) }
    var counts: [FailureClass: [Double]] = [:]
    var classifier = TallyClassifier(classifier: builder.classifier)
    for (index, day) in days.enumerated() {
      let window = Window(from: day, to: day.advanced(bySeconds: 86_400))
      for tally in try store.tallies(in: window) {
        guard let failureClass = classifier.classify(tally).classification?.failureClass else {
          continue
        }
        counts[failureClass, default: days.map { _ in 0 }][index] += Double(tally.count)
      }
    }
    let ordered = counts.sorted {
      ($1.value.reduce(0, +), $0.key.rawValue) < ($0.value.reduce(0, +), $1.key.rawValue)
    }
    var series = ordered.prefix(7).map { ChartSeries(name: $0.key.rawValue, values: $0.value) }
    if ordered.count > 7 {
      let rest = ordered.dropFirst(7)
      series.append(
        ChartSeries(
          name: "others",
          values: days.indices.map { index in rest.reduce(0) { $0 + $1.value[index] } }
        )
      )
    }
    return Chart(
      id: "classes",
      title: "Failed attempts by class and day",
      summary: series.first.map { "The most frequent class is \($0.name)." } ?? "Nothing failed.",
      form: .stackedBars,
      labels: days.map { time.day($0) },
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
      for domain in Set(message.recipients.filter { !$0.isDone }.map(\.address.domainOfAddress)) {
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
      series: top.map { ChartSeries(name: $0.key, values: $0.value) },
      unit: "messages"
    )
  }
}
