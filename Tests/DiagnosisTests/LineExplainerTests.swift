import MailModel
import MailServers
import Testing

@testable import Diagnosis

@Suite struct LineExplainerTests {
  static let explainer = LineExplainer(servers: registeredMailServers)

  @Test(arguments: [
    (
      "warning: TLS library problem: error:0A00018A:SSL routines::dh key too small",
      FailureClass.weakKey
    ),
    ("550 5.7.10 TLS is required to deliver to this recipient", .tlsRequiredByReceiver),
    (
      "postfix/smtp[9]: SSL_connect error to mx.b.example[192.0.2.1]:25: lost connection",
      .handshakeDisconnected
    ),
    ("450 4.7.320 Certificate validation failed [Message=CertificateExpired]", .certificateExpired),
    ("TLS handshake failed: received fatal alert: ProtocolVersion", .protocolVersionMismatch),
    ("delivery 17: deferral: TLS_not_found_and_required/", .startTLSNotSupported),
    (
      "delivery 17: deferral: TLS_connect_failed:_error:14077410:SSL_routines:"
        + "SSL23_GET_SERVER_HELLO:sslv3_alert_handshake_failure/", .noSharedCipher
    ),
    (
      "A fatal alert was received from the remote endpoint. The TLS protocol defined fatal alert "
        + "code is 70.", .protocolVersionMismatch
    ),
    (
      "smtpd[24240]: 8d0c0948745ecee3 mta error reason=TLS required but not supported by remote "
        + "host", .startTLSNotSupported
    ),
    (
      "TLS session: (gnutls_handshake): The Diffie-Hellman prime sent by the server is not "
        + "acceptable (not long enough).", .weakKey
    ),
  ])
  func `a TLS failure of any server is named`(_ line: String, _ wanted: FailureClass) {
    let found = Self.explainer.explain(line)
    #expect(found.isTLS)
    #expect(found.classification?.failureClass == wanted)
  }

  @Test(arguments: [
    "status=deferred (host mx.ssl.example[192.0.2.1] said: 452 4.2.2 <tls@ssl.example> mailbox "
      + "full (in reply to RCPT TO command))",
    "status=deferred (host mx said: 451 4.7.650 The mail server [198.51.100.1] has been "
      + "temporarily rate limited due to IP reputation (in reply to MAIL FROM command))",
    "451 4.7.1 <a@b.example>: Greylisted for 5 minutes, your certificate of origin has been noted",
    "452 4.3.1 Insufficient system storage on volume /srv/tls-starttls-spool",
    "postfix/smtp[1]: Trusted TLS connection established to mx.b.example[192.0.2.1]:25: TLSv1.3",
    "postfix/smtpd[1]: lost connection after AUTH from unknown[192.0.2.1]",
    "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
    "delivery 17: success: 192.0.2.1_accepted_message./Remote_host_said:_250_ok/",
    "250-STARTTLS",
  ])
  func `what only mentions TLS is no TLS failure`(_ line: String) {
    #expect(!Self.explainer.explain(line).isTLS)
  }
}
