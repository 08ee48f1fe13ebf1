import Foundation
import MailModel
import Testing

@testable import MailServers

/// Settings and policies as Postfix itself would use them.
struct PostfixConfigurationTests {
  private func configuration(_ files: [(String, String)]) -> PostfixConfiguration {
    PostfixConfiguration(files.map { ConfigurationFile(path: $0.0, bytes: Array($0.1.utf8)) })
  }

  @Test(arguments: [
    "smtp_tls_cert_file = /etc/ssl/mail.pem\n", "smtpd_tls_key_file=/k\n",
    "# timers only\nminimal_backoff_time = 5m\n", "bounce_queue_lifetime = 1d\n",
  ])
  func `a main.cf of one parameter is one`(_ text: String) {
    #expect(
      PostfixConfiguration.kind(ConfigurationFile(path: "x", bytes: Array(text.utf8))) == .main
    )
  }

  /// Exim's own options begin with `smtp_` as well.
  @Test(arguments: [
    "smtp_accept_max = 20\nsmtp_banner = hello\n", "O SmtpGreetingMessage=$j\n", "",
  ])
  func `another server's file is none`(_ text: String) {
    #expect(PostfixConfiguration.kind(ConfigurationFile(path: "x", bytes: Array(text.utf8))) == nil)
  }

  @Test(arguments: [
    ("queue_run_delay = 15", 15.0), ("queue_run_delay = 15s", 15), ("queue_run_delay = 2m", 120),
    ("queue_run_delay =\n  1h", 3600), ("queue_run_delay = ${base}m\nbase = 3", 180),
    ("queue_run_delay = 5m\nqueue_run_delay = 7m", 420), ("myhostname = a", 300),
  ])
  func `times are read with their units, continued lines and variables`(
    _ text: String,
    _ seconds: Double
  ) {
    let schedule = PostfixSchedule(
      configuration: configuration([("main.cf", text)]),
      observed: RetryObservations()
    )
    #expect(schedule.timers.queueRunDelay == seconds)
    #expect(schedule.basis == .configuration)
  }

  @Test func `bare numbers have the unit of the parameter's default`() {
    let schedule = PostfixSchedule(
      configuration: configuration([
        ("main.cf", "maximal_queue_lifetime = 2\nbounce_queue_lifetime = 9\ndelay_warning_time = 4")
      ]),
      observed: RetryObservations()
    )
    #expect(schedule.timers.maximalLifetime == 2 * 86_400)
    // A bounce never lives longer than other mail.
    #expect(schedule.timers.bounceLifetime == 2 * 86_400)
    #expect(schedule.timers.delayWarning == 4 * 3600)
  }

  @Test func `master.cf overrides main.cf for the programs that retry`() {
    let master = """
      # service type  private unpriv  chroot  wakeup  maxproc command + args
      smtp      inet  n       -       y       -       -       smtpd
        -o minimal_backoff_time=1
      qmgr      unix  n       -       n       300     1       qmgr
        -o minimal_backoff_time=60s -o maximal_backoff_time=10m
      relay     unix  -       -       y       -       -       smtp
        -o smtp_tls_security_level=none
      smtp      unix  -       -       y       -       -       smtp
        -o smtp_tls_security_level=encrypt

      """
    let read = configuration([
      ("/etc/postfix/main.cf", "smtp_tls_security_level = may\nmyhostname = a"),
      ("/etc/postfix/master.cf", master),
    ])
    let timers = PostfixSchedule(configuration: read, observed: RetryObservations()).timers
    #expect(timers.minimalBackoff == 60)
    #expect(timers.maximalBackoff == 600)
    #expect(read.tlsPolicy(domain: "b.example", nextHop: nil)?.level == .encrypt)
  }

  @Test(arguments: [
    "qmgr unix n - n 300 1 qmgr -o minimal_backoff_time=60s",
    "qmgr unix n - n 300 1 qmgr\n  -o { minimal_backoff_time = 60s }",
    "qmgr unix n - n 300 1 qmgr\n# not this\n\t-ominimal_backoff_time=60s\n",
    "qmgr unix n - n 300 1 nqmgr -o queue_run_delay=1 -o minimal_backoff_time=60s -v",
    "qmgr/unix/minimal_backoff_time = 60s",
  ])
  func `overrides win, in each spelling and whatever file comes first`(_ master: String) {
    let files = [("main.cf", "minimal_backoff_time = 7s\nmyhostname = a"), ("master", master)]
    for order in [files, files.reversed()] {
      let timers = PostfixSchedule(
        configuration: configuration(order),
        observed: RetryObservations()
      ).timers
      #expect(timers.minimalBackoff == 60)
    }
  }

  @Test(arguments: [
    ("smtpd unix n - n - - smtpd -o minimal_backoff_time=60s", 7.0),
    ("smtp inet n - n - - smtpd -o minimal_backoff_time=60s", 7),
    ("relay unix n - n - - smtp -o minimal_backoff_time=60s", 7),
    ("#qmgr unix n - n 300 1 qmgr -o minimal_backoff_time=60s", 7),
  ])
  func `other services' overrides do not count`(_ master: String, _ seconds: Double) {
    let timers = PostfixSchedule(
      configuration: configuration([
        ("main.cf", "minimal_backoff_time = 7s\nmyhostname = a"), ("master.cf", master),
      ]),
      observed: RetryObservations()
    ).timers
    #expect(timers.minimalBackoff == seconds)
  }

  @Test(arguments: [
    ("${base?45s}\nbase = x", 45.0), ("${base:45s}", 45), ("${base:45s}\nbase = 9s", 9),
    ("${base?45s}${base:50s}", 50), ("$(base)\nbase = 3m", 180), ("$$$", 300), ("${base", 300),
  ])
  func `conditional values are expanded`(_ value: String, _ seconds: Double) {
    let schedule = PostfixSchedule(
      configuration: configuration([("main.cf", "queue_run_delay = \(value)")]),
      observed: RetryObservations()
    )
    #expect(schedule.timers.queueRunDelay == seconds)
  }

  @Test(arguments: [
    ("example.com", TLSLevel.secure, TLSPolicy.Origin.destination),
    ("sub.example.com", .may, .everyone), ("x.example.net", .fingerprint, .destination),
    ("example.net", .may, .everyone), ("relay.example.org", .none, .destination),
  ])
  func `the policy of a destination is looked up as Postfix does`(
    _ domain: String,
    _ level: TLSLevel,
    _ origin: TLSPolicy.Origin
  ) {
    let map = """
      # comment
      example.com   secure match=mx.example.com:.example.com protocols=>=TLSv1.2 ciphers=high
      .example.net  fingerprint match=AA:BB|CC:DD
      [relay.example.org] none

      """
    let read = configuration([
      (
        "/etc/postfix/main.cf",
        "smtp_tls_security_level = may\nsmtp_tls_policy_maps = hash:/etc/postfix/tls_policy"
      ), ("/etc/postfix/tls_policy", map),
    ])
    let policy = read.tlsPolicy(domain: domain, nextHop: nil)
    #expect(policy?.level == level)
    #expect(policy?.origin == origin)
    if domain == "example.com" {
      #expect(policy?.matchNames == ["mx.example.com", ".example.com"])
      #expect(policy?.minimumProtocol == "TLSv1.2")
      #expect(policy?.ciphers == "aNULL:-aNULL:HIGH:@STRENGTH:!aNULL")
      #expect(policy?.source == "/etc/postfix/tls_policy:2")
    }
    if level == .fingerprint { #expect(policy?.fingerprints == ["AA:BB", "CC:DD"]) }
  }

  @Test func `a policy map that cannot be read leaves the policy unknown`() {
    let read = configuration([
      (
        "/nonexistent/main.cf",
        "smtp_tls_security_level = may\nsmtp_tls_policy_maps = mysql:/etc/postfix/policy.cf"
      )
    ])
    #expect(read.tlsPolicy(domain: "b.example", nextHop: nil) == nil)
    #expect(read.troubles.map(\.path) == ["mysql:/etc/postfix/policy.cf"])
  }

  // MARK: smtp_delivery_status_filter

  @Test(arguments: [
    ("4.7.5", "Server certificate not verified", true),
    ("4.7.5", "SERVER CERTIFICATE NOT VERIFIED", true),
    ("4.7.4", "TLS is required, but was not offered by host mx.b.example[192.0.2.1]", false),
    ("4.4.1", "connect to mx.b.example[192.0.2.1]:25: Connection refused", false),
    ("4.2.2", "mailbox full", true), ("5.1.1", "Server certificate not verified", false),
  ])
  func `a status filter tells which failures come back at once`(
    _ status: String,
    _ reason: String,
    _ isReturned: Bool
  ) {
    var filter = PostfixStatusFilter()
    filter.add(
      patterns: """
        # comment
        /^4\\.7\\.5 (server certificate not verified.*)/
            5.7.5 $1
        /^4\\.4\\.1 /   4.4.1 as it is
        !/^4\\.(4|7)\\./ 5.2.2 given up

        """
    )
    #expect(filter.returns(EnhancedStatusCode(status), reason) == isReturned)
  }

  @Test func `mail that the filter returns is forecast as returned at the next attempt`() throws {
    let directory = NSTemporaryDirectory() + "filter-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try "/^4\\.7\\.5 /  5.7.5 no\n"
      .write(toFile: directory + "/filter", atomically: true, encoding: .utf8)
    let main = """
      queue_run_delay = 300s
      smtp_delivery_status_filter = pcre:/etc/postfix/filter
      """
    let base = Timestamp(seconds: 1_772_442_845)
    let schedule = PostfixSchedule(
      configuration: configuration([(directory + "/main.cf", main)]),
      observed: RetryObservations(queueRuns: [base])
    )
    func message(_ id: String, _ status: String) -> QueuedMessage {
      QueuedMessage(
        queueID: id,
        state: .deferred,
        sender: "a@a.example",
        arrivedAt: base,
        lastAttemptAt: base,
        recipients: [
          QueuedRecipient(
            address: "b@b.example",
            reason: "it failed",
            enhancedStatus: EnhancedStatusCode(status)
          )
        ]
      )
    }
    let queue = QueueSnapshot(
      server: MailServerID("postfix"),
      path: "/q",
      takenAt: base,
      messages: [message("1AAAAAAAAA", "4.7.5"), message("1BBBBBBBBB", "4.4.1")]
    )
    let forecast = schedule.scheduled(queue, now: base.advanced(bySeconds: 10))
    #expect(forecast.map { $0.expiresAt?.seconds(since: base) } == [300, 433_200])
    #expect(forecast.first?.attempts.count == 1)
  }
}
