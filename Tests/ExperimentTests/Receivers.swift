import Experiment
import MailModel
import TestSupport

/// Trials of receivers with one fault each.
extension LoopbackReceivers {
  /// The name that the good certificates carry.
  static let host = "mx.receiver.example"

  /// A trial of one receiver up to RCPT TO, at a level, with the receivers' own CA trusted.
  func settings(
    _ name: String,
    _ level: TLSLevel = .encrypt,
    client: Bool = false
  ) throws -> TrialSettings {
    var policy = TLSPolicy(level: level, origin: .destination, caFile: directory + "/ca.pem")
    if client {
      policy.clientCertificate = directory + "/client.pem"
      policy.clientKey = directory + "/client.pem"
    }
    var settings = TrialSettings(
      rung: .asConfigured,
      address: name == "six" ? "::1" : "127.0.0.1",
      port: try port(name),
      demand: TLSDemand(
        policy: policy,
        domain: "receiver.example",
        host: LoopbackReceivers.host,
        tlsa: { .nothing(isSecure: false) }
      ),
      heloName: "sender.example"
    )
    settings.recipient = "postmaster@receiver.example"
    settings.timeout = 1
    return settings
  }

  /// The whole experiment, without a wait between its trials.
  func retry(
    _ settings: TrialSettings,
    inClear: Bool = true,
    repeats: Int = 1,
    seed: UInt64 = 3
  ) -> RetryResult {
    var dice = Dice(state: seed)
    return RetryExperiment(
      base: settings,
      mayTryInClear: inClear,
      isDestination: true,
      repeats: repeats
    ).run(attempt: TrialRun.run, pause: {}, random: &dice)
  }
}
