package import Diagnosis
package import Forecast
package import MailModel
package import Store

extension Analysis {
  /// `mailtriage.analysis/1` without its inputs and messages, which the caller adds.
  package var json: [String: JSONValue] {
    [
      "schema": .string("mailtriage.analysis/1"),
      "generated_at": JSONValue(generatedAt),
      "now": JSONValue(now),
      "window": .object(["from": JSONValue(windowFrom), "to": JSONValue(windowTo)]),
      "understood": .bool(tellsOfMail),
      "totals": totals.json,
      "destinations": .array(destinations.map(\.json)),
      "incidents": .array(incidents.map(\.json)),
    ]
  }

  private var windowFrom: Timestamp? { window.from ?? sources.compactMap(\.oldest).min() }
  private var windowTo: Timestamp? { window.to ?? newest }
}

extension Analysis.Totals {
  var json: JSONValue {
    .object([
      "messages": .int(messages), "recipients": .int(recipients), "delivered": .int(delivered),
      "deferred": .int(deferred), "bounced": .int(bounced), "expired": .int(expired),
      "tls_failures": .int(tlsFailures), "delivered_in_clear": .int(deliveredInClear),
      "queued": .int(queued),
    ])
  }
}

extension Analysis.Destination {
  var json: JSONValue {
    .object([
      "domain": .string(domain),
      "next_hops": JSONValue(history.nextHops),
      "attempts": .object([
        "delivered": .int(history.delivered), "deferred": .int(history.deferred),
        "bounced": .int(history.bounced), "expired": .int(history.expired),
      ]),
      "delivered_in_clear": .int(history.deliveredInClear),
      "failures": .array(
        history.failures.map {
          .object(["class": .string($0.failureClass.rawValue), "count": .int($0.count)])
        }
      ),
      "queued": .int(queued),
      "oldest_queued": JSONValue(oldestQueued),
      "trend": JSONValue(trend?.rawValue),
      "diagnosis": diagnosis,
      "forecast": forecast.map(\.summaryJSON)
        ?? .object([
          "next_expiry": .null, "expiring_24h": .int(0), "fix_by": .null, "saved_if_fixed": .int(0),
        ]),
      "remedies": .array(remedies.map(\.json)),
    ])
  }

  private var diagnosis: JSONValue {
    guard let incident else { return .null }
    return .object([
      "incident": .string(incident.id), "state": .string(incident.state.rawValue),
      "tls_is_cause": .string(incident.tlsIsCause.rawValue),
      "class": .string(incident.failureClass.rawValue),
      "responsible": .string(incident.responsible.rawValue),
      "confidence": .number((incident.confidence * 1000).rounded() / 1000),
      "onset": JSONValue(incident.onset), "trigger": JSONValue(incident.trigger),
      "confirmed_by": JSONValue(confirmedBy),
      "evidence": .array(
        evidence.map {
          .object([
            "path": .string($0.path), "offset": .int(Int($0.offset)), "text": .string($0.text),
          ])
        }
      ),
    ])
  }
}

extension Incident {
  var json: JSONValue {
    .object([
      "id": .string(id), "state": .string(state.rawValue),
      "class": .string(failureClass.rawValue), "tls_is_cause": .string(tlsIsCause.rawValue),
      "responsible": .string(responsible.rawValue), "domains": JSONValue(domains),
      "next_hops": JSONValue(nextHops), "onset": JSONValue(onset), "last_seen": JSONValue(lastSeen),
      "attempts": .int(attempts), "messages": .int(waiting), "queued": .int(waiting),
    ])
  }
}

extension DestinationForecast {
  var summaryJSON: JSONValue {
    .object([
      "next_expiry": JSONValue(firstExpiry), "expiring_24h": .int(expiring24h),
      "fix_by": JSONValue(fixBy), "saved_if_fixed": .int(savedIfFixed),
    ])
  }

  /// As `forecast --format json` lists it.
  package var json: JSONValue {
    .object([
      "domain": .string(domain), "queued": .int(queued), "first_expiry": JSONValue(firstExpiry),
      "last_expiry": JSONValue(lastExpiry), "fix_by": JSONValue(fixBy),
      "too_late_at": JSONValue(tooLateAt),
    ])
  }
}

extension Remedy {
  /// As `analyze` and `remedy` list it.
  package var json: JSONValue {
    .object([
      "title": .string(title), "weakens": .string(weakens.rawValue),
      "configuration": .string(configuration), "apply": JSONValue(apply),
      "verify": JSONValue(verify), "flush": JSONValue(flush), "undo": JSONValue(undo),
      "valid_until": JSONValue(validUntil), "risk": .string(risk), "refused": JSONValue(refused),
    ])
  }
}

/// Messages as `--messages` lists them.
package struct MessageListing {
  private var classifier: TallyClassifier

  package init(classifier: FailureClassifier) {
    self.classifier = TallyClassifier(classifier: classifier)
  }

  package mutating func json(_ message: StoredMessage) -> JSONValue {
    .object([
      "queue_id": .string(message.queueID), "mta": .string(message.server.description),
      "host": .string(message.host), "sender": JSONValue(message.sender),
      "message_id": JSONValue(message.messageID), "arrived_at": JSONValue(message.arrivedAt),
      "recipients": .array(
        message.recipients.map { recipient in
          .object([
            "address": .string(recipient.address), "domain": .string(recipient.domain),
            "status": .string(recipient.status.rawValue),
            "attempts": .array(recipient.attempts.map { json($0, server: message.server) }),
          ])
        }
      ),
    ])
  }

  private mutating func json(_ attempt: StoredAttempt, server: MailServerID) -> JSONValue {
    let isFailure = attempt.outcome != .delivered
    let found =
      isFailure
      ? classifier.classify(
        reply: attempt.reply,
        cause: attempt.cause,
        server: server,
        enhancedStatus: attempt.enhancedStatus
      ) : nil
    return .object([
      "at": JSONValue(attempt.at), "outcome": .string(attempt.outcome.name),
      "tried": .bool(attempt.tried), "reply": .string(attempt.reply),
      "enhanced_status": JSONValue(attempt.enhancedStatus?.description),
      "class": JSONValue(found?.failureClass?.rawValue),
    ])
  }
}
