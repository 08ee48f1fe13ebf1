package import MailModel

/// Sendmail 8.
package struct Sendmail: MailServer {
  package let id = MailServerID("sendmail")
  package let name = "Sendmail"
  package var dialect: any LogDialect.Type { SendmailDialect.self }
  package var failureRules: [FailureRule] { SendmailRules.all }

  package init() {}

  package func makeDialect() -> any LogDialect { SendmailDialect() }

  package func readLone(
    _ bytes: Span<UInt8>,
    tag: Range<Int>,
    text: Range<Int>
  ) -> LoneLine? {
    SendmailLoneLine.read(bytes, tag: tag, text: text)
  }

  package func isQueue(directory: String, entries: [String]) -> Bool {
    let prefixes: Set<Substring> = ["qf", "df", "hf", "Qf"]
    if entries.contains(where: {
      prefixes.contains($0.prefix(2)) && SendmailQueueID.isOne($0.dropFirst(2))
    }) {
      return true
    }
    return ["/mqueue", "/mqueue-client", "/clientmqueue"].contains(where: directory.hasSuffix)
      || Set(entries).isSuperset(of: ["qf", "df"])
  }

  package func readQueue(directory: String, now: Timestamp) -> QueueSnapshot {
    SendmailQueue(root: directory, now: now).read()
  }

  package func messageContent(directory: String, queueID: String) -> [UInt8]? {
    guard let control = BoundedFile.find("qf" + queueID, below: directory),
      let data = BoundedFile.find("df" + queueID, below: directory),
      let head = try? BoundedFile(path: control, limit: 4 << 20),
      let body = try? BoundedFile(path: data, limit: 64 << 20)
    else { return nil }
    return SendmailMessageContent.read(control: head.bytes, data: body.bytes)
  }

  package func isQueueListing(head: Span<UInt8>) -> Bool { SendmailQueueListing.begins(head) }

  package func readQueueListing(_ bytes: [UInt8], path: String, now: Timestamp) -> QueueSnapshot {
    SendmailQueueListing.read(bytes, path: path, now: now)
  }

  package func isConfiguration(_ file: ConfigurationFile) -> Bool {
    SendmailConfiguration.isOne(file)
  }

  package func readConfiguration(_ files: [ConfigurationFile]) -> any MailServerConfiguration {
    SendmailConfiguration(files)
  }

  package var observations: Set<RetryObservations.Kind> { [.queueRuns, .starts, .stated] }

  package func schedule(
    configuration: (any MailServerConfiguration)?,
    observed: RetryObservations
  ) -> any RetrySchedule {
    SendmailSchedule(configuration: configuration as? SendmailConfiguration, observed: observed)
  }

  package func remedies(for request: RemedyRequest) -> [Remedy] { SendmailRemedies(request).all }

  package func testPathRecipe(domain: HostName) -> String {
    """
    # As root: a second daemon on loopback, with this server's configuration and a queue of its own,
    # that never speaks TLS as a client (modifier S of ClientPortOptions). For trials only: it relays
    # for whom /etc/mail/access lets relay, which has to be this host (Connect:127.0.0.1 RELAY).
    install -d -m 700 /var/spool/mqueue-testpath
    sendmail -bd -L sm-testpath -O QueueDirectory=/var/spool/mqueue-testpath -O PidFile=/var/spool/mqueue-testpath/pid -O DaemonPortOptions=Name=TESTPATH,Addr=127.0.0.1,Port=10026 -O ClientPortOptions=Family=inet,Modify=S
    # mailtriage retry \(domain) --test-path 127.0.0.1:10026 --send-probe YOU@\(domain)
    # Afterwards: kill $(head -1 /var/spool/mqueue-testpath/pid); rm -r /var/spool/mqueue-testpath
    """
  }

  package var usualPlaces: UsualPlaces {
    UsualPlaces(
      logs: ["/var/log/mail.log", "/var/log/maillog"],
      queues: ["/var/spool/mqueue", "/var/spool/mqueue-client", "/var/spool/clientmqueue"],
      configuration: [
        "/etc/mail/sendmail.cf", "/etc/mail/access", "/etc/mail/sendmail.conf",
        "/etc/sysconfig/sendmail",
      ],
      essential: ["/etc/mail/sendmail.cf"]
    )
  }
}
