package import MailModel

/// Postfix, 2.3 and later.
package struct Postfix: MailServer {
  package let id = MailServerID("postfix")
  package let name = "Postfix"
  package var dialect: any LogDialect.Type { PostfixDialect.self }
  package var failureRules: [FailureRule] { PostfixRules.all }

  package init() {}

  package func makeDialect() -> any LogDialect { PostfixDialect() }

  package func readLone(
    _ bytes: Span<UInt8>,
    tag: Range<Int>,
    text: Range<Int>
  ) -> LoneLine? {
    PostfixLoneLine.read(bytes, tag: tag, text: text)
  }

  package func isQueue(directory: String, entries: [String]) -> Bool {
    let names = Set(entries)
    return names.isSuperset(of: ["active", "incoming", "deferred"])
      && !names.isDisjoint(with: ["hold", "defer", "corrupt", "maildrop", "bounce"])
  }

  package func readQueue(directory: String, now: Timestamp) -> QueueSnapshot {
    var reader = PostfixQueueReader(root: directory, now: now)
    return reader.read()
  }

  package func messageContent(directory: String, queueID: String) -> [UInt8]? {
    ["deferred", "active", "incoming", "hold"].lazy.compactMap { queue -> [UInt8]? in
      BoundedFile.find(queueID, below: directory + "/" + queue).flatMap {
        try? BoundedFile(path: $0, limit: 64 << 20)
      }.flatMap { PostfixMessageContent.read($0.bytes) }
    }.first
  }

  package func isQueueListing(head: Span<UInt8>) -> Bool { PostfixQueueListing.begins(head) }

  package func readQueueListing(_ bytes: [UInt8], path: String, now: Timestamp) -> QueueSnapshot {
    PostfixQueueListing.read(bytes, path: path, now: now)
  }

  package func isConfiguration(_ file: ConfigurationFile) -> Bool {
    PostfixConfiguration.kind(file) != nil
  }

  package func readConfiguration(_ files: [ConfigurationFile]) -> any MailServerConfiguration {
    PostfixConfiguration(files)
  }

  package var observations: Set<RetryObservations.Kind> {
    [.queueRuns, .starts, .expiries, .delayWarnings, .gaps]
  }

  package func schedule(
    configuration: (any MailServerConfiguration)?,
    observed: RetryObservations
  ) -> any RetrySchedule {
    PostfixSchedule(configuration: configuration as? PostfixConfiguration, observed: observed)
  }

  package func remedies(for request: RemedyRequest) -> [Remedy] {
    PostfixRemedies(request).all
  }

  package func testPathRecipe(domain: HostName) -> String {
    """
    # As root: a second way through this Postfix, on loopback, for mail to \(domain) alone, that never
    # speaks TLS. For trials only.
    postconf -M '127.0.0.1:10026/inet=127.0.0.1:10026 inet n - n - - smtpd -o syslog_name=postfix/testpath -o mynetworks=127.0.0.0/8 -o smtpd_client_restrictions= -o smtpd_helo_restrictions= -o smtpd_sender_restrictions= -o smtpd_recipient_restrictions= -o { smtpd_relay_restrictions = check_recipient_access inline:{\(domain)=permit_mynetworks}, reject } -o content_filter=testpath:'
    postconf -M 'testpath/unix=testpath unix - - n - - smtp -o syslog_name=postfix/testpath -o smtp_tls_security_level=none -o smtp_tls_policy_maps='
    postfix check
    postfix reload
    # mailtriage retry \(domain) --test-path 127.0.0.1:10026 --send-probe YOU@\(domain)
    # Afterwards: postconf -MX 127.0.0.1:10026/inet testpath/unix; postfix reload
    """
  }

  package var usualPlaces: UsualPlaces {
    UsualPlaces(
      logs: ["/var/log/mail.log", "/var/log/maillog", "/var/log/postfix.log"],
      queues: ["/var/spool/postfix"],
      configuration: ["/etc/postfix/main.cf", "/etc/postfix/master.cf"],
      essential: ["/etc/postfix/main.cf"]
    )
  }
}
