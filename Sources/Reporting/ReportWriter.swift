package import FoundationEssentials
import MailModel
import Mustache

/// Writes a ``Report`` as HTML or Markdown: the same context, two templates. Texts from outside are
/// made harmless for the format on their way into the context.
package struct ReportWriter: Sendable {
  package enum Format: Hashable, Sendable {
    case html
    case markdown
  }

  private let time: LocalTime
  private let format: Format
  /// Changes that are seen without opening the rest.
  private static let firstChanges = 10

  /// A writer that shows moments in `zone`.
  package init(format: Format, zone: TimeZone) {
    self.format = format
    self.time = LocalTime(zone: zone)
  }

  /// The whole document. Throws where a template does not parse, which the tests rule out.
  package func write(_ report: Report) throws -> String {
    let template =
      switch format {
      case .html: PackageResources.report_html_mustache
      case .markdown: PackageResources.report_md_mustache
      }
    return try MustacheTemplate(string: String(decoding: template, as: UTF8.self))
      .render(context(report))
  }

  /// One line of text for this format. Mustache itself escapes for HTML.
  private func text(_ raw: String, limit: Int = 400) -> String {
    switch format {
    case .html: OutsideText(raw).terminal(limit: limit)
    case .markdown: OutsideText(raw).markdown(limit: limit)
    }
  }

  /// Several lines, kept as lines. In Markdown an indented block: no text can end it.
  private func block(_ raw: String) -> String {
    let lines = raw.split(separator: "\n", omittingEmptySubsequences: false).prefix(200)
      .map { OutsideText(String($0)).terminal(limit: 2000) }
    switch format {
    case .html: return lines.joined(separator: "\n")
    case .markdown: return lines.map { "    " + $0 }.joined(separator: "\n")
    }
  }

  private func moment(_ moment: Timestamp?) -> String {
    text(moment.map { time.short($0) } ?? "–")
  }

  private func context(_ report: Report) -> [String: Any] {
    let anchors = ReportWriter.anchors(report)
    var context: [String: Any] = [
      "title": text("Mail report for \(time.isoDay(report.from))"),
      "headline": text(report.headline),
      "period": text("\(time.long(report.from)) to \(time.long(report.to))"),
      "now": text(time.long(report.now)),
      "freshness": text(freshness(report)),
      "isOpen": report.now < report.to,
      "redacted": report.isRedacted,
      "generatedAt": text(time.long(report.generatedAt)),
      "hasTasks": !report.tasks.isEmpty,
      "tasks": report.tasks.prefix(3).map {
        task($0, anchors[$0.destination ?? ""], now: report.now)
      },
      "figures": report.figures.map(figure),
      "hasChanges": !report.changes.isEmpty,
      "changes": report.changes.prefix(ReportWriter.firstChanges).map(change),
      "laterChanges": report.changes.prefix(40).dropFirst(ReportWriter.firstChanges).map(change),
      "hasLaterChanges": report.changes.count > ReportWriter.firstChanges,
      "moreChanges": report.changes.count > 40 ? text(String(report.changes.count - 40)) : "",
      "hasMoreChanges": report.changes.count > 40,
      "hasMoreIncidents": report.moreIncidents > 0,
      "moreIncidents": text(String(report.moreIncidents)),
      "schedules": report.schedules.map { text($0) },
      "hasSchedules": !report.schedules.isEmpty,
      "protections": report.protections.map {
        ["name": text($0.name), "deliveries": text(String($0.deliveries))]
      },
      "hasDeadlines": !report.deadlines.isEmpty,
      "deadlines": report.deadlines.map { deadline($0, anchors[$0.domain]) },
      "hasIncidents": !report.incidents.isEmpty,
      "incidents": report.incidents.enumerated().map {
        incident($1, anchor: ReportWriter.anchor($0))
      },
      "coverage": report.coverage.map(coverage),
      "tlsCoverage": report.tlsCoverage.map { text($0) },
    ]
    for (name, words) in ReportWriter.wordsForNothing {
      context[name] = text(
        report.isUnderstood ? words : "Not known: nothing that was read was understood."
      )
    }
    let charts = report.charts.filter { !$0.isEmpty }
    context["hasCharts"] = !charts.isEmpty
    context["charts"] = charts.map(chart)
    return context
  }

  /// What stands where a section has nothing to show.
  private static let wordsForNothing = [
    "nothingToDo":
      "Nothing: no destination holds mail back for a reason that can be repaired here.",
    "nothingChanged":
      "Nothing began, ended, grew or shrank against the day before and the week before, as far as "
      + "they are known.",
    "nothingToDraw": "Nothing waited and nothing failed: there is nothing to draw.",
    "nothingWaits": "Nothing waits.", "noIncident": "None.",
  ]

  private func freshness(_ report: Report) -> String {
    guard let newest = report.coverage.compactMap(\.newest).max() else { return "no log line read" }
    let age = report.now.seconds(since: newest)
    return age < 0
      ? "newest line \(time.short(newest))" : "newest line \(LocalTime.length(age)) before"
  }

  /// The incident to turn to for a domain: the gravest it is part of.
  private static func anchors(_ report: Report) -> [String: String] {
    var anchors: [String: String] = [:]
    for (index, incident) in report.incidents.enumerated() {
      for domain in incident.domains where anchors[domain] == nil {
        anchors[domain] = anchor(index)
      }
    }
    return anchors
  }

  private static func anchor(_ index: Int) -> String { "incident-\(index + 1)" }

  private func task(_ task: Report.Task, _ anchor: String?, now: Timestamp) -> [String: Any] {
    var context: [String: Any] = ["title": text(task.title), "detail": text(task.detail)]
    if let deadline = task.deadline {
      let left = deadline.seconds(since: now)
      let wait = left > 0 ? "in \(LocalTime.length(left))" : "now"
      context["deadline"] = text("by \(time.short(deadline)), \(wait)")
    } else {
      context["noDeadline"] = true
    }
    if let anchor { context["anchor"] = anchor }
    if task.saves > 0 { context["saves"] = text(messages(task.saves)) }
    return context
  }

  private func change(_ change: Report.Change) -> [String: Any] {
    let (word, tone) =
      switch change.kind {
      case .began: ("new", "bad")
      case .worse: ("more", "warn")
      case .returned: ("returned", "bad")
      case .recovered: ("recovered", "good")
      case .better: ("less", "good")
      }
    return ["word": text(word), "tone": tone, "text": text(change.text)]
  }

  private func figure(_ figure: Report.Figure) -> [String: Any] {
    [
      "name": text(figure.name), "today": text(String(figure.today)),
      "yesterday": text(figure.yesterday.map(String.init) ?? "–"),
      "week": text(figure.weekMean.map { number(($0 * 10).rounded() / 10) } ?? "–"),
    ]
  }

  private func deadline(_ deadline: Report.Deadline, _ anchor: String?) -> [String: Any] {
    var context: [String: Any] = [
      "domain": text(deadline.domain.shownDomain), "waiting": text(String(deadline.waiting)),
      "oldest": moment(deadline.oldest), "cause": text(deadline.failureClass?.rawValue ?? "–"),
      "firstExpiry": moment(deadline.firstExpiry), "fixBy": moment(deadline.fixBy),
      "expiring24h": text(String(deadline.expiring24h)), "basis": text(deadline.basis),
    ]
    if let anchor { context["anchor"] = anchor }
    return context
  }

  private func coverage(_ coverage: Report.Coverage) -> [String: Any] {
    [
      "path": text(coverage.path), "kind": text(coverage.kind),
      "lines": text(String(coverage.lines)), "recognized": text(String(coverage.recognized)),
      "unrecognized": text(String(coverage.unrecognized)), "newest": moment(coverage.newest),
      "share": text(share(coverage)),
      "troubles": coverage.troubles.prefix(20).map { text($0) },
    ]
  }

  /// `99.9 %` of the lines of a mail server; never rounded up to all.
  private func share(_ coverage: Report.Coverage) -> String {
    let ours = coverage.recognized + coverage.unrecognized
    guard ours > 0 else { return "–" }
    return number((Double(coverage.recognized) / Double(ours) * 1000).rounded(.down) / 10) + " %"
  }

  private func messages(_ count: Int) -> String { count == 1 ? "1 message" : "\(count) messages" }
}

extension ReportWriter {
  private func chart(_ chart: Chart) -> [String: Any] {
    let (columns, rows, note) = table(chart)
    var context: [String: Any] = [
      "id": chart.id, "title": text(chart.title), "summary": text(chart.summary, limit: 1000),
      "unit": text(chart.unit), "columns": columns.map { text($0) },
      "rows": rows.map { ["name": text($0.0), "values": $0.1.map { text(number($0)) }] },
      "corner": text(chart.form == .heatMap ? "Destination" : "When"),
      "marks": chart.marks.enumerated().map {
        ["n": String($0 % 8 + 1), "label": text($1.label)]
      },
      "hasMarks": !chart.marks.isEmpty,
    ]
    if !note.isEmpty { context["note"] = note }
    if format == .html { context["svg"] = Chart.Size.allCases.map { chart.svg($0) }.joined() }
    if chart.series.count > 1, chart.form != .heatMap {
      context["legend"] = [
        "keys": chart.series.enumerated().map {
          [
            "n": String($0 % 8 + 1), "name": text($1.name),
            "isLine": chart.form == .lines,
          ] as [String: Any]
        }
      ]
    }
    return context
  }

  /// The same figures as in the picture. A long row of noughts says no more than its absence.
  private func table(_ chart: Chart) -> ([String], [(String, [Double])], note: String) {
    if chart.form == .heatMap {
      return (chart.labels, chart.series.map { ($0.name, $0.values) }, "")
    }
    var rows = chart.labels.indices.map { index in
      (
        chart.labels[index],
        chart.series.map { index < $0.values.count ? $0.values[index] : 0 }
      )
    }
    var note = ""
    if chart.form == .bars, rows.count > 24 {
      rows = rows.filter { $0.1.contains { $0 > 0 } }
      note = "Times without any are left out."
    }
    return (chart.series.map(\.name), rows, note)
  }

  private func incident(_ incident: Report.Incident, anchor: String) -> [String: Any] {
    let domains = incident.domains.prefix(4).map(\.shownDomain).joined(separator: ", ")
    let more = incident.domains.count > 4 ? " and \(incident.domains.count - 4) more" : ""
    let onset = incident.onset.map { time.long($0) } ?? "not known"
    let certainty = "\(Int((incident.confidence * 100).rounded())) %"
    var context: [String: Any] = [
      "anchor": anchor, "title": text(domains + more), "state": text(incident.state),
      "tone": incident.state == "recovered" ? "good" : "bad",
      "class": text(incident.failureClass?.rawValue ?? "no failure class"),
      "tls": text(incident.tlsIsCause.rawValue), "responsible": text(who(incident.responsible)),
      "confidence": text(
        incident.confirmedBy.map { "\(certainty), confirmed by \($0)" } ?? certainty
      ),
      "onset": text(incident.trigger.map { "\(onset), after: \($0)" } ?? onset),
      "nextHops": text(incident.nextHops.prefix(4).joined(separator: ", ")),
      "attempts": text(String(incident.attempts)), "waiting": text(String(incident.waiting)),
      "meaning": text(incident.meaning, limit: 1000), "hasEvidence": !incident.evidence.isEmpty,
      "evidence": incident.evidence.prefix(8).map(evidence),
      "remedies": incident.remedies.map(remedy),
    ]
    if let notice = incident.notice {
      context["notice"] = block(notice)
      context["noticeBlock"] = block(notice)
    }
    return context
  }

  private func who(_ responsible: Responsible) -> String {
    switch responsible {
    case .remote: "the receiving side"
    case .local: "we"
    case .path: "something between the two: firewall, proxy, path MTU"
    case .unknown: "not known yet"
    }
  }

  private func evidence(_ evidence: Report.Evidence) -> [String: Any] {
    [
      "place": text("\(evidence.path), byte \(evidence.offset)"), "text": block(evidence.text),
      "quote": text(evidence.text, limit: 2000),
    ]
  }

  private func remedy(_ remedy: Remedy) -> [String: Any] {
    var context: [String: Any] = [
      "title": text(remedy.title), "weakens": text(remedy.weakens.rawValue),
      "risk": text(remedy.risk, limit: 1000),
    ]
    // What may not be used is named, without anything to copy.
    if let refused = remedy.refused {
      context["refused"] = text(refused)
      return context
    }
    if let until = remedy.validUntil { context["validUntil"] = text(time.long(until)) }
    if !remedy.configuration.isEmpty {
      context["configuration"] = block(remedy.configuration)
      context["configurationBlock"] = block(remedy.configuration)
    }
    let steps = [
      ("Apply", remedy.apply), ("Verify", remedy.verify), ("Let the mail move", remedy.flush),
      ("Undo", remedy.undo),
    ]
    context["steps"] = steps.filter { !$0.1.isEmpty }.map { name, commands -> [String: Any] in
      let lines = block(commands.joined(separator: "\n"))
      return ["name": text(name), "commands": lines, "commandsBlock": lines]
    }
    return context
  }
}
