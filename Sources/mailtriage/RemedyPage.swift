import Diagnosis
import Forecast
import FoundationEssentials
import MailModel
import Reporting
import Store
import Triage

/// What to do for one destination, least weakening first: tell the other side or look at our own
/// set-up, then the changes of configuration, then those that may not be used.
struct RemedyPage {
  private let found: Analysis.Destination
  private let ownChecks: OwnTLSChecks?
  private let time: LocalTime
  /// A mail to the remote postmaster; nil where it is not theirs.
  let notice: String?

  init(_ found: Analysis.Destination, policy: TLSPolicy?, zone: TimeZone) {
    self.found = found
    time = LocalTime(zone: zone)
    notice = found.incident.flatMap { incident in
      RemoteNotice.isDue(incident) && incident.state != .recovered
        ? RemoteNotice(incident, evidence: found.evidence.map(\.text), zone: zone).text : nil
    }
    ownChecks = found.incident.flatMap {
      OwnTLSChecks.apply(to: $0.failureClass, $0.responsible) ? OwnTLSChecks(policy: policy) : nil
    }
  }

  /// Remedies that the guards allow.
  var usable: [Remedy] { found.remedies.filter { $0.refused == nil } }

  var json: JSONValue {
    .object([
      "schema": .string("mailtriage.remedy/1"), "destination": .string(found.domain),
      "class": JSONValue(found.incident?.failureClass.rawValue),
      "tls_is_cause": JSONValue(found.incident?.tlsIsCause.rawValue),
      "advice": JSONValue(found.incident.map { Advice.sentences(for: $0.failureClass) } ?? []),
      "remedies": .array(found.remedies.map(\.json)), "notice": JSONValue(notice),
      "own_checks": .array(
        (ownChecks?.checks ?? []).map {
          .object([
            "question": .string($0.question), "command": .string($0.command),
            "answer": .string($0.answer),
          ])
        }
      ), "own_settings": JSONValue(ownChecks?.settings ?? []),
    ])
  }

  var page: Page {
    let name = OutsideText(found.domain).terminal(limit: 120)
    guard let incident = found.incident, incident.state != .recovered else {
      return Page(title: "Remedies for \(name)", [.lead("Mail to \(name) flows.")])
    }
    var blocks: [Page.Block] = [
      .lead("\(name): \(incident.failureClass.rawValue) since \(time.long(incident.onset))."),
      .paragraph(incident.meaning),
    ]
    if let waiting { blocks.append(.paragraph(waiting)) }
    let advice = Advice.sentences(for: incident.failureClass)
    if !advice.isEmpty { blocks.append(.heading("What helps, least weakening first")) }
    blocks += advice.map { .item($0) }
    if let ownChecks { blocks += RemedyPage.blocks(ownChecks) }
    for (index, remedy) in usable.enumerated() { blocks += self.blocks(remedy, number: index + 1) }
    for remedy in found.remedies {
      guard let refused = remedy.refused else { continue }
      blocks.append(.heading("Not to be used: \(remedy.title)"))
      blocks.append(.paragraph(refused))
    }
    if let notice {
      blocks.append(.heading("A mail to their postmaster"))
      blocks.append(.code(notice))
    }
    return Page(title: "Remedies for \(name)", blocks)
  }

  private var waiting: String? {
    guard found.queued > 0 else { return nil }
    let count = Headline.messages(found.queued)
    guard let fixBy = found.forecast?.fixBy else { return "\(count) waiting." }
    return "\(count) waiting; fix by \(time.long(fixBy)), or the first is returned."
  }

  private func blocks(_ remedy: Remedy, number: Int) -> [Page.Block] {
    let price = remedy.weakens == .nothing ? "nothing" : remedy.weakens.rawValue
    var blocks: [Page.Block] = [.heading("\(number). \(remedy.title) (gives up \(price))")]
    if let until = remedy.validUntil {
      blocks.append(.paragraph("Take it back by \(time.long(until))."))
    }
    if !remedy.risk.isEmpty { blocks.append(.paragraph("Risk: \(remedy.risk)")) }
    let steps = [
      ("Configuration", remedy.configuration), ("Apply", remedy.apply.joined(separator: "\n")),
      ("Verify", remedy.verify.joined(separator: "\n")),
      ("Let the mail move, one message first", remedy.flush.joined(separator: "\n")),
      ("Undo", remedy.undo.joined(separator: "\n")),
    ]
    for (name, text) in steps where !text.isEmpty {
      blocks += [.paragraph("\(name):"), .code(text)]
    }
    return blocks
  }

  private static func blocks(_ own: OwnTLSChecks) -> [Page.Block] {
    [
      .heading("Our own certificate, key and CA bundle"),
      .paragraph("In a shell, with the paths of our set-up:"),
      .code(own.settings.joined(separator: "\n")),
    ]
      + own.checks.flatMap { check -> [Page.Block] in
        [.paragraph(check.question), .code(check.command), .item(check.answer)]
      }
  }
}
