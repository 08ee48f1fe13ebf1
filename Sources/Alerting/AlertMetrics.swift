import Diagnosis
import Forecast
import MailModel
package import Triage

/// What monitoring reads: a Nagios plugin's line and a Prometheus textfile.
package struct AlertMetrics: Sendable {
  package var analysis: Analysis
  package var conditions: [AlertCondition]
  /// Alerts that the hook has not taken.
  package var pending: Int
  /// Why the input of this run could not be read or understood; nil where it was.
  package var inputFault: String?

  package init(analysis: Analysis, conditions: [AlertCondition], pending: Int) {
    self.analysis = analysis
    self.conditions = conditions
    self.pending = pending
  }

  private var present: [AlertCondition] { conditions.filter { $0.standing == .present } }

  // MARK: Nagios

  /// The gravest of what is wrong now; nil where all is well.
  package var severity: AlertSeverity? { present.map(\.severity).max() }

  /// The plugin's status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (Monitoring Plugins guidelines).
  package var nagiosStatus: Int32 {
    guard analysis.tellsOfMail else { return 3 }
    switch severity {
    // That nothing is found wrong in what could not be read is no good news.
    case nil, .info: return inputFault == nil ? 0 : 3
    case .warning: return 1
    case .critical: return 2
    }
  }

  /// One line: status, what is worst, and performance data.
  package var nagiosLine: String {
    let word = ["OK", "WARNING", "CRITICAL", "UNKNOWN"][Int(min(max(nagiosStatus, 0), 3))]
    let worst = present.max { ($0.severity, $0.count) < ($1.severity, $1.count) }
    let more = present.count - 1
    let said =
      nagiosStatus == 3
      ? inputFault ?? "nothing is known yet: no line of mail and no queue was read"
      : worst.map { $0.summary + (more > 0 ? " (and \(more) more)" : "") }
        ?? "\(analysis.totals.queued) messages wait, none for a repair"
    // A bar starts performance data.
    let text = OutsideText(said).terminal(limit: 400).replacing("|", with: "/")
    return "MAILTRIAGE \(word) - \(text) | queued=\(analysis.totals.queued);;;0 "
      + "expiring_24h=\(expiring24h);;;0 incidents=\(active.count);;;0 unsent_alerts=\(pending);;;0\n"
  }

  private var active: [Analysis.Destination] {
    analysis.destinations.filter { $0.incident?.state == .active }
  }

  private var expiring24h: Int {
    analysis.destinations.reduce(0) { $0 + ($1.forecast?.expiring24h ?? 0) }
  }

  // MARK: Prometheus

  /// A textfile for node_exporter (Prometheus text exposition format 0.0.4).
  package var prometheus: String {
    let totals = analysis.totals
    var out = ""
    func family(_ name: String, _ kind: String, _ help: String, _ samples: [(String, Double)]) {
      guard !samples.isEmpty else { return }
      out += "# HELP mailtriage_\(name) \(help)\n# TYPE mailtriage_\(name) \(kind)\n"
      for (labels, value) in samples {
        out += "mailtriage_\(name)\(labels) \(AlertMetrics.number(value))\n"
      }
    }
    func seconds(_ moment: Timestamp) -> Double { Double(moment.microseconds) / 1_000_000 }
    family("queued_messages", "gauge", "Messages that wait.", [("", Double(totals.queued))])
    family(
      "destination_queued_messages",
      "gauge",
      "Messages that wait for a destination.",
      analysis.destinations.filter { $0.queued > 0 }.map {
        (AlertMetrics.labels(("destination", $0.domain)), Double($0.queued))
      }
    )
    family(
      "incident_active",
      "gauge",
      "1 where a destination fails now, by class and whether TLS is the cause.",
      active.compactMap { destination in
        destination.incident.map {
          (
            AlertMetrics.labels(
              ("destination", destination.domain),
              ("class", $0.failureClass.rawValue),
              ("tls_is_cause", $0.tlsIsCause.rawValue)
            ), 1
          )
        }
      }
    )
    family(
      "fix_by_timestamp_seconds",
      "gauge",
      "Until when a destination must be repaired so that nothing is returned.",
      active.compactMap { destination in
        destination.forecast?.fixBy.map {
          (AlertMetrics.labels(("destination", destination.domain)), seconds($0))
        }
      }
    )
    family(
      "expiring_24h_messages",
      "gauge",
      "Messages that are returned within 24 hours.",
      [("", Double(expiring24h))]
    )
    family(
      "delivered_in_clear_recipients",
      "gauge",
      "Recipients reached without TLS after TLS failed, in what the database holds.",
      [("", Double(totals.deliveredInClear))]
    )
    family(
      "newest_line_timestamp_seconds",
      "gauge",
      "When the newest log line was written.",
      analysis.newest.map { [("", seconds($0))] } ?? []
    )
    family(
      "alerts_present",
      "gauge",
      "What the alert rules find wrong now, by severity.",
      AlertSeverity.allCases.map { severity in
        (
          AlertMetrics.labels(("severity", severity.name)),
          Double(present.count { $0.severity == severity })
        )
      }
    )
    family("alerts_unsent", "gauge", "Alerts that the hook has not taken.", [("", Double(pending))])
    return out
  }

  private static func labels(_ pairs: (String, String)...) -> String {
    "{" + pairs.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: ",") + "}"
  }

  /// A label value: backslash, quote and line end are escaped by the format, other controls are not
  /// for a terminal that shows the file.
  private static func escaped(_ text: String) -> String {
    var out = ""
    for scalar in OutsideText(text).terminal(limit: 255).unicodeScalars {
      switch scalar {
      case "\\": out += "\\\\"
      case "\"": out += "\\\""
      case "\n": out += "\\n"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
  }
}
