package import Diagnosis
package import FoundationEssentials
import MailModel

/// A notice to the postmaster of the other side, in plain text: their host, what we saw and when, how
/// to see it, and how to check the repair.
package struct RemoteNotice {
  private let incident: Incident
  private let evidence: [String]
  private let time: LocalTime

  /// A notice of `incident`; `evidence` are log lines, of which those that name no address are quoted.
  package init(_ incident: Incident, evidence: [String], zone: TimeZone) {
    self.incident = incident
    self.evidence = evidence
    time = LocalTime(zone: zone)
  }

  /// Whether the other side has something to repair.
  package static func isDue(_ incident: Incident) -> Bool {
    incident.responsible == .remote && incident.tlsIsCause == .yes
      && incident.failureClass != .clientCertificateRejected
      && incident.failureClass != .tlsRequiredByReceiver
  }

  package var text: String {
    let domains = incident.domains.compactMap { HostName($0)?.description }
    let domain = domains.first ?? "your domain"
    let hosts = incident.nextHops.compactMap { HostName(IncidentFinder.hostName($0)) }
    let host = hosts.first?.description ?? "your mail host"
    let address = incident.nextHops.first.flatMap { RemoteNotice.address($0) }
    let (commands, repaired) = RemoteNotice.check(incident.failureClass, host: host, domain: domain)
    let also =
      domains.count > 1
      ? "\nAlso for:    \(domains.dropFirst().prefix(5).joined(separator: ", "))"
        + (domains.count > 6 ? " and \(domains.count - 6) more" : "") : ""
    let quoted = evidence.filter { !$0.contains("@") }.prefix(3)
      .map { "    " + OutsideText($0).terminal(limit: 400) }
    let log = quoted.isEmpty ? "" : "\nOur log says:\n\n\(quoted.joined(separator: "\n"))\n"
    return """
      To: postmaster@\(domain)
      Subject: Your mail host \(host): \(incident.failureClass.rawValue)

      Dear postmaster,

      our mail server cannot deliver mail to \(domain) over TLS.

      Host:        \(host)\(address.map { " [\($0)]" } ?? "")\(also)
      What we see: \(incident.meaning) (\(incident.failureClass.rawValue))
      Since:       \(time.long(incident.onset))
      Last seen:   \(time.long(incident.lastSeen))
      Attempts:    \(incident.attempts) failed; \(Headline.messages(incident.waiting)) waiting
      \(log)
      To see it:

      \(commands.map { "    " + $0 }.joined(separator: "\n"))

      It is repaired when \(repaired).

      Mail that waits here is returned to its senders when its time is up. Please tell us when the
      host is repaired.
      """
  }

  /// `192.0.2.1` of `mx.example.com[192.0.2.1]:25`.
  private static func address(_ hop: String) -> String? {
    guard let open = hop.firstIndex(of: "["), let close = hop[open...].firstIndex(of: "]") else {
      return nil
    }
    let text = hop[hop.index(after: open)..<close]
    let isAddress = text.allSatisfy { $0.isHexDigit || $0 == "." || $0 == ":" }
    return isAddress && !text.isEmpty ? String(text.prefix(45)) : nil
  }

  /// The commands that show the fault, and what the last of them shows after the repair.
  private static func check(
    _ failureClass: FailureClass,
    host: String,
    domain: String
  ) -> (commands: [String], repaired: String) {
    let session = "openssl s_client -starttls smtp -connect \(host):25 -servername \(host)"
    let verified = "the command ends with “Verify return code: 0 (ok)”"
    switch failureClass {
    case .certificateHostMismatch:
      return (
        ["\(session) -verify_hostname \(host) -verify_return_error </dev/null"], verified
      )
    case .certificateExpired, .certificateNotYetValid:
      return (
        [
          "\(session) </dev/null 2>/dev/null | openssl x509 -noout -dates",
          "\(session) -verify_return_error </dev/null",
        ], verified
      )
    case .startTLSNotSupported, .startTLSStripped, .startTLSRefused, .plaintextOnTLSPort:
      return (
        ["\(session) </dev/null"],
        "the command shows a certificate and no “didn’t find STARTTLS” or wrong version number"
      )
    case .protocolVersionMismatch, .noSharedCipher, .weakKey, .weakSignature:
      return (
        ["\(session) -tls1_2 </dev/null", "\(session) -tls1_3 </dev/null"],
        "one of the commands shows a cipher other than “(NONE)” at the default security level"
      )
    case .tlsaInvalid, .dnssecInvalid, .daneRequired:
      return (
        [
          "dig +dnssec TLSA _25._tcp.\(host)",
          "\(session) </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256",
        ], "the TLSA record is signed and fits the certificate or key that the host shows"
      )
    case .stsPolicyFetchError, .stsPolicyInvalid, .stsWebPKIInvalid:
      return (
        [
          "dig +short TXT _mta-sts.\(domain)",
          "curl -sS https://mta-sts.\(domain)/.well-known/mta-sts.txt",
        ], "the second command shows the policy, without a certificate error and without a redirect"
      )
    case .handshakeTimeout, .handshakeDisconnected, .otherTLS:
      return (
        ["\(session) </dev/null"],
        "the command shows a certificate and a cipher within a few seconds"
      )
    default: return (["\(session) -verify_return_error </dev/null"], verified)
    }
  }
}
