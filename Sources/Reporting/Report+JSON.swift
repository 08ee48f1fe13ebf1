import MailModel
package import Triage

extension Report {
  /// `mailtriage.report/1`: the same facts as the HTML and Markdown.
  package var json: JSONValue {
    .object([
      "schema": .string("mailtriage.report/1"), "from": JSONValue(from), "to": JSONValue(to),
      "now": JSONValue(now), "generated_at": JSONValue(generatedAt),
      "headline": .string(headline), "understood": .bool(isUnderstood),
      "tasks": .array(
        tasks.map {
          .object([
            "title": .string($0.title), "destination": JSONValue($0.destination),
            "deadline": JSONValue($0.deadline), "saves": .int($0.saves),
            "detail": .string($0.detail),
          ])
        }
      ),
      "figures": .array(
        figures.map {
          .object([
            "name": .string($0.name), "today": .int($0.today),
            "yesterday": $0.yesterday.map { .int($0) } ?? .null,
            "week_mean": $0.weekMean.map { .number(($0 * 10).rounded() / 10) } ?? .null,
          ])
        }
      ),
      "changes": .array(
        changes.map {
          .object([
            "kind": .string($0.kind.rawValue), "destination": JSONValue($0.destination),
            "text": .string($0.text),
          ])
        }
      ),
      "deadlines": .array(
        deadlines.map {
          .object([
            "domain": .string($0.domain), "waiting": .int($0.waiting),
            "oldest": JSONValue($0.oldest), "class": JSONValue($0.failureClass?.rawValue),
            "first_expiry": JSONValue($0.firstExpiry), "last_expiry": JSONValue($0.lastExpiry),
            "fix_by": JSONValue($0.fixBy), "expiring_24h": .int($0.expiring24h),
            "basis": .string($0.basis),
          ])
        }
      ),
      "incidents": .array(incidents.map(\.json)), "more_incidents": .int(moreIncidents),
      "schedules": JSONValue(schedules),
      "deliveries_by_protection": .array(
        protections.map {
          .object(["name": .string($0.name), "deliveries": .int($0.deliveries)])
        }
      ),
      "coverage": .array(
        coverage.map {
          .object([
            "path": .string($0.path), "kind": .string($0.kind), "lines": .int($0.lines),
            "recognized": .int($0.recognized), "unrecognized": .int($0.unrecognized),
            "newest": JSONValue($0.newest), "troubles": JSONValue($0.troubles),
          ])
        }
      ),
      "charts": .array(charts.map(\.json)),
      "tls_coverage": JSONValue(tlsCoverage), "redacted": .bool(isRedacted),
    ])
  }
}

extension Report.Incident {
  var json: JSONValue {
    .object([
      "id": .string(id), "domains": JSONValue(domains), "next_hops": JSONValue(nextHops),
      "state": .string(state), "class": JSONValue(failureClass?.rawValue),
      "tls_is_cause": .string(tlsIsCause.rawValue), "responsible": .string(responsible.rawValue),
      "confidence": .number((confidence * 1000).rounded() / 1000),
      "confirmed_by": JSONValue(confirmedBy), "onset": JSONValue(onset),
      "trigger": JSONValue(trigger), "attempts": .int(attempts), "waiting": .int(waiting),
      "meaning": .string(meaning),
      "evidence": .array(
        evidence.map {
          .object([
            "path": .string($0.path), "offset": .int(Int($0.offset)), "text": .string($0.text),
          ])
        }
      ), "remedies": .array(remedies.map(\.json)), "notice": JSONValue(notice),
    ])
  }
}

extension Chart {
  var json: JSONValue {
    .object([
      "id": .string(id), "title": .string(title), "summary": .string(summary),
      "unit": .string(unit), "labels": JSONValue(labels),
      "moments": .array(moments.map { JSONValue($0) }),
      "series": .array(
        series.map {
          .object(["name": .string($0.name), "values": .array($0.values.map(JSONValue.count))])
        }
      ),
      "marks": .array(
        marks.map { .object(["at": JSONValue($0.at), "label": .string($0.label)]) }
      ),
    ])
  }
}

extension JSONValue {
  /// A count as an integer; what is no whole number as it is.
  fileprivate static func count(_ value: Double) -> JSONValue {
    Int(exactly: value).map(JSONValue.int) ?? .number(value)
  }
}
