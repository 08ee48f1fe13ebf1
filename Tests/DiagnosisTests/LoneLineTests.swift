import MailModel
import MailServers
import Testing

@testable import Diagnosis

/// Lines composed from the formats of many servers, read one by one.
@Suite struct LoneLineTests {
  struct Line: Sendable, CustomTestStringConvertible {
    var text: String
    var failureClass: FailureClass?
    var side: Side?
    var responsible: Responsible?
    var testDescription: String { String(text.prefix(90)) }

    init(
      _ text: String,
      _ failureClass: FailureClass?,
      _ side: Side? = nil,
      _ responsible: Responsible? = nil
    ) {
      self.text = text
      self.failureClass = failureClass
      self.side = side
      self.responsible = responsible
    }
  }

  static let explainer = LineExplainer(servers: registeredMailServers)

  private func check(_ line: Line) {
    let found = Self.explainer.explain(line.text)
    let rule = found.classification?.ruleID ?? "no rule"
    #expect(found.classification?.failureClass == line.failureClass, "\(rule) fired")
    if let side = line.side { #expect(found.side == side) }
    if let who = line.responsible { #expect(found.classification?.responsible == who, "\(rule)") }
  }

  private static let postfix = "Nov 12 03:14:07 mail postfix/smtp[218]: "
  private static let postfixServer = "Nov 12 03:14:07 mail postfix/smtpd[219]: "
  private static let exim = "2024-05-11 07:12:33 1s5fTx-0003Kp-2N "
  private static let sendmail = "Mar  4 22:10:51 mx sm-mta[8812]: "

  @Test(arguments: [
    Line(
      postfix + "certificate verification failed for mx.b.example[192.0.2.1]:25: self-signed "
        + "certificate",
      .certificateSelfSigned,
      .sending,
      .remote
    ),
    Line(
      postfix + "server certificate verification failed for mx.b.example[192.0.2.1]:25: "
        + "num=62:Hostname mismatch",
      .certificateHostMismatch,
      .sending,
      .remote
    ),
    Line(
      postfix + "warning: mx.b.example[192.0.2.1]:25: all trust anchors unusable",
      .localTLSMisconfiguration,
      .sending,
      .local
    ),
    Line(
      postfix + "4ZkXq1: to=<k@b.example>, relay=none, delay=9, delays=9/0/0/0, dsn=4.7.5, "
        + "status=deferred (delivery temporarily suspended: TLS is required, but was not offered by "
        + "host mx.b.example[192.0.2.1])",
      .startTLSNotSupported,
      .sending,
      .remote
    ),
    Line(
      postfix + "4ZkXq1: to=<k@b.example>, relay=mx.b.example[192.0.2.1]:465, delay=300, "
        + "delays=0/0/300/0, dsn=4.4.2, status=deferred (conversation with "
        + "mx.b.example[192.0.2.1] timed out while receiving the initial server greeting)",
      .plaintextOnTLSPort,
      .sending,
      .local
    ),
    Line(
      postfixServer + "NOQUEUE: reject: MAIL from a.example[192.0.2.9]: 530 5.7.0 Must issue a "
        + "STARTTLS command first; from=<a@b.example> proto=ESMTP helo=<pc>",
      .tlsRequiredByReceiver,
      .receiving,
      .remote
    ),
  ])
  func `a line of Postfix is told by its form`(_ line: Line) { check(line) }

  @Test(arguments: [
    Line(
      exim + "== k@b.example R=dns T=smtp defer (-37) H=mx.b.example [192.0.2.1]: TLS session: "
        + "(SSL_connect): error:0A000438:SSL routines::tlsv1 alert internal error",
      .otherTLS,
      .sending
    ),
    Line(
      exim + "** k@b.example R=dns T=smtp H=mx.b.example [192.0.2.1]: TLS session: (SSL_connect): "
        + "error:0A000086:SSL routines::certificate verify failed: retry timeout exceeded",
      .validationFailure,
      .sending,
      .remote
    ),
    Line(
      exim + "TLS session: (gnutls_handshake): timed out: delivering unencrypted to "
        + "H=mx.b.example [192.0.2.1] (not in hosts_require_tls)",
      .handshakeTimeout,
      .sending,
      .path
    ),
    Line(
      exim + "TLS session failure: delivering unencrypted to mx.b.example [192.0.2.1] (not in "
        + "hosts_require_tls)",
      .otherTLS,
      .sending
    ),
    Line(
      "2009-05-11 07:12:33 1M3Lxc-0001sD-UI TLS error on connection to mx.b.example [192.0.2.1] "
        + "(gnutls_handshake): No supported cipher suites have been found.",
      .noSharedCipher,
      .sending
    ),
    Line(
      "2024-05-11 07:12:33 TLS error on connection from a.example (pc) [192.0.2.9] (recv): A TLS "
        + "fatal alert has been received.: Certificate is bad",
      .validationFailure,
      .receiving,
      .local
    ),
    Line(
      "2024-05-11 07:12:33 TLS error on connection from [192.0.2.9]:4102 I=[192.0.2.3]:25 "
        + "(SSL_accept): timed out",
      .handshakeTimeout,
      .receiving,
      .path
    ),
    Line(exim + "== k@b.example routing defer (-51): retry time not reached", nil, .sending),
    Line(
      exim + "=> k@b.example R=dns T=smtp H=mx.b.example [192.0.2.1] X=TLS1.3:AES256:256 CV=no "
        + "DN=\"/CN=certificate has expired\" C=\"250 ok\"",
      nil,
      .sending
    ),
  ])
  func `a line of Exim is told by its form`(_ line: Line) { check(line) }

  @Test(arguments: [
    Line(
      sendmail + "STARTTLS=client, error: connect failed=-1, reason=dh key too small, "
        + "SSL_error=1, errno=0, retry=-1",
      .weakKey,
      .sending
    ),
    Line(
      sendmail + "STARTTLS=server, error: accept failed=-1, reason=tlsv1 alert unknown ca, "
        + "SSL_error=1, errno=0, retry=-1, relay=a.example [192.0.2.9]",
      .certificateNotTrusted,
      .receiving,
      .local
    ),
    Line(
      sendmail + "STARTTLS=client, cert-subject=/CN=mx, cert-issuer=/CN=self signed certificate, "
        + "verifymsg=ok",
      nil,
      .sending
    ),
    Line(
      sendmail + "524LAp1x008810: to=<k@b.example>, delay=00:20:11, mailer=esmtp, "
        + "relay=mx.b.example. [192.0.2.1], dsn=4.0.0, stat=Deferred: 403 4.7.0 CN www.b.example "
        + "does not match mx.b.example",
      .certificateHostMismatch,
      .sending,
      .remote
    ),
    Line(
      "Mar  4 22:10:51 c.spam.example sendmail[8812]: STARTTLS=client, error: connect failed=0, "
        + "SSL_error=5",
      .otherTLS,
      .sending
    ),
  ])
  func `a line of Sendmail is told by its form`(_ line: Line) { check(line) }

  @Test(arguments: [
    Line(
      "451 4.4.0 Primary target IP address responded with: \"454 4.7.5 Certificate validation "
        + "failure, Reason:SubjectMismatch.\" Attempted failover to alternate host",
      .certificateHostMismatch,
      .sending,
      .remote
    ),
    Line("454 4.7.5 Certificate validation failure, Reason:NotTimeValid", .certificateExpired),
    Line("schannel: InitializeSecurityContext failed: SEC_E_ALGORITHM_MISMATCH", .noSharedCipher),
    Line(
      "{\"type\": \"TransientFailure\", \"response\": {\"code\": 400, \"content\": \"KumoMTA "
        + "internal: TLS handshake failed: invalid peer certificate: NotValidForName\"}}",
      .certificateHostMismatch,
      .sending,
      .remote
    ),
    Line(
      "@4000000066a1b2c31f2e3d4c delivery 88: deferral: TLS_connect_failed:_timed_out;_"
        + "connecting_to_192.0.2.1./",
      .handshakeTimeout,
      .sending
    ),
    Line("x509: certificate is valid for localhost, not mx.b.example", .certificateHostMismatch),
    Line(
      "PKIX path building failed: unable to find valid certification path to requested target",
      .certificateNotTrusted
    ),
    Line(
      "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate",
      .certificateSelfSigned
    ),
    Line(
      "421-4.7.29 Your email has been rate limited because it wasn't sent over a TLS connection.",
      .tlsRequiredByReceiver,
      nil,
      .local
    ),
  ])
  func `other programs' words for TLS are known`(_ line: Line) { check(line) }

  @Test(arguments: [
    Line(postfix + "SSL3 alert read:fatal:unknown CA", .clientCertificateRejected, .sending),
    Line(postfixServer + "SSL3 alert read:fatal:unknown CA", .certificateNotTrusted, .receiving),
    Line(postfix + "SSL3 alert write:fatal:unknown CA", .certificateNotTrusted, .sending, .remote),
  ])
  func `an alert's direction tells whose certificate it is about`(_ line: Line) { check(line) }

  @Test(arguments: [
    Line(
      postfix + "4ZkXq1: to=<k@b.example>, relay=mx.b.example[192.0.2.1]:25, delay=1, "
        + "delays=0/0/0/1, dsn=5.7.1, status=bounced (host mx.b.example[192.0.2.1] said: 554 5.7.1 "
        + "subject (Your SSL certificate has expired) may be spam (in reply to end of DATA))",
      .contentRejected,
      .sending
    ),
    Line(
      postfix + "4ZkXq1: to=<k@b.example>, relay=mx.b.example[192.0.2.1]:25, delay=1, "
        + "delays=0/0/0/1, dsn=4.2.2, status=deferred (host mx.b.example[192.0.2.1] said: 452 4.2.2 "
        + "<ssl-handshake@tls-error.example>: mailbox full (in reply to RCPT TO command))",
      .mailboxFull,
      .sending
    ),
    Line("452 4.3.1 Insufficient system storage on /srv/ssl/certificate-expired", .other),
    Line(
      postfix + "4ZkXq1: to=<k@b.example>, relay=none, delay=1, delays=0/0/0/1, dsn=4.4.3, "
        + "status=deferred (Host or domain name not found. Name service error for "
        + "name=tls-failed.example type=MX: Host not found, try again)",
      .dnsFailure,
      .sending
    ),
    Line(
      postfixServer + "NOQUEUE: reject: RCPT from tls.b.example[192.0.2.9]: 554 5.7.1 "
        + "<x@y.example>: Relay access denied; from=<ssl@z.example> to=<x@y.example> proto=ESMTP "
        + "helo=<starttls>",
      .policyRejected,
      .receiving
    ),
    Line(
      "550-5.1.1 The email account that you tried to reach does not exist.",
      .mailboxUnavailable
    ),
    Line("421 4.7.0 Error: too many connections from 192.0.2.1", .rateLimited),
    Line("550 5.7.606 Access denied, banned sending IP [192.0.2.1].", .reputationBlocked),
    Line("530-5.7.0 Authentication Required.", .authenticationFailure),
    Line("552 5.3.4 Message size exceeds fixed limit", .messageTooLarge),
  ])
  func `what is not TLS keeps its own name, whatever names and quotes hold`(_ line: Line) {
    check(line)
  }
}
