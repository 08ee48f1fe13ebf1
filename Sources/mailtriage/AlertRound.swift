import Alerting
import FoundationEssentials
import MailModel
import Store
import Triage

/// One look at the alert rules: what is wrong now, what of it is to be told, and what the hook took.
struct AlertRound {
  var analysis: Analysis
  var conditions: [AlertCondition]
  var told: [Alert] = []
  var handovers: [AlertOutbox.Handover] = []

  /// What is wrong now.
  var present: [AlertCondition] { conditions.filter { $0.standing == .present } }
}

extension Session {
  /// Who gets the alerts: the executable named, else the configuration's; nil where there is none.
  func alertHook(_ named: String?) -> HookRunner? {
    let settings = settings.configuration.alert
    return (named ?? settings.hook).map {
      HookRunner(
        executable: $0,
        timeout: .seconds(settings.timeout),
        inheritedEnvironment: ProcessInfo.processInfo.environment
      )
    }
  }

  /// What the rules find: nothing is told, nothing is marked as told. Throws ``Refusal``.
  func alertConditions() throws -> AlertRound {
    let analysis = try analysis()
    let flow = try answering {
      try MailFlow(store, now: settings.now, newest: analysis.newest)
    }
    let rules = AlertRules(AlertThresholds(settings.configuration.alert))
    return AlertRound(
      analysis: analysis,
      conditions: rules.conditions(analysis, flow: flow)
    )
  }

  /// What the rules find, told to the hook where there is one. Throws ``Refusal``.
  func alertRound(_ runner: HookRunner?) async throws -> AlertRound {
    var round = try alertConditions()
    guard let runner else { return round }
    round.told = try answering {
      try AlertOutbox(store).post(
        round.conditions,
        now: settings.now,
        settle: settings.configuration.alert.settle,
        report: newestReport
      )
    }
    do {
      round.handovers = try await AlertOutbox(store).drain(runner, clock: Settings.clockNow) {
        if $0.outcome != .taken {
          complain("alert \($0.alert.id) stays: \($0.outcome.explanation)")
        }
      }
    } catch let error as StoreError { throw Refusal(error) }
    return round
  }

  /// Where the newest report lies, if reports are written.
  private var newestReport: String? {
    guard let directory = settings.configuration.report.outputDirectory,
      let names = try? FileManager.default.contentsOfDirectory(atPath: directory)
    else { return nil }
    return names.filter { $0.hasPrefix("report-") && $0.hasSuffix(".html") }.max()
      .map { "\(directory)/\($0)" }
  }
}

extension AlertThresholds {
  fileprivate init(_ settings: Configuration.AlertSettings) {
    self.init(
      fixByWithin: settings.fixByWithin,
      ndrWave: settings.ndrWave,
      backlogGrowth: settings.backlogGrowth,
      backlogMinimum: settings.backlogMinimum,
      inboundDrop: settings.inboundDrop,
      noInputFor: settings.noInputFor
    )
  }
}

extension AlertCondition {
  /// As `alert --format json` lists it.
  var json: [String: JSONValue] {
    [
      "rule": .string(rule.rawValue), "severity": .string(severity.name),
      "destination": JSONValue(destination.isEmpty ? nil : destination),
      "class": JSONValue(failureClass?.rawValue), "count": .int(count),
      "first_seen": JSONValue(firstSeen), "fix_by": JSONValue(fixBy),
      "summary": .string(summary), "remedy": JSONValue(remedy),
    ]
  }
}
