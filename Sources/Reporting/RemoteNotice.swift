import Diagnosis
import FoundationEssentials
import MailModel
import Triage

/// A notice to the postmaster of the other side, in plain text: what we saw, when, how to see it, and
/// how to check the repair.
struct RemoteNotice {
  private let incident: Incident
  private let time: LocalTime

  init(_ incident: Incident, now: Timestamp, zone: TimeZone) {
    self.incident = incident
    time = LocalTime(zone: zone)
  }

  var text: String {
    let domain = incident.domains.first.flatMap { HostName($0) }?.description ?? "your domain"
    let hosts = incident.nextHops.compactMap { HostName(IncidentFinder.hostName($0)) }
    let host = hosts.first?.description ?? "your mail host"
    let check =
      "openssl s_client -starttls smtp -connect \(host):25 -servername \(host) "
      + "-verify_return_error </dev/null"
    return """
      To: postmaster@\(domain)
      Subject: Your mail host \(host): \(incident.failureClass.rawValue)

      Dear postmaster,

      our mail server cannot deliver mail to \(domain).

      Host:        \(host)
      What we see: \(incident.meaning) (\(incident.failureClass.rawValue))
      Since:       \(time.long(incident.onset))
      Last seen:   \(time.long(incident.lastSeen))
      Attempts:    \(incident.attempts) failed, \(incident.waiting) messages wait

      To see it:

          \(check)

      The repair is complete when that command ends with "Verify return code: 0 (ok)".

      Mail that waits here is returned to its senders when its time is up. Please tell us when the
      host is repaired.
      """
  }
}
