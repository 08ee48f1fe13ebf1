import MailModel
import MailServers
import Testing

@testable import Diagnosis

@Suite struct NDRTextTests {
  @Test(arguments: [
    (
      """
      From: MAILER-DAEMON@mail.example.com (Mail Delivery System)
      Subject: Undelivered Mail Returned to Sender
      Content-Type: multipart/report; report-type=delivery-status

      This is the mail system at host mail.example.com.
      <a@b.example>: Server certificate not verified
      Content-Type: message/delivery-status
      Status: 4.7.5
      Diagnostic-Code: X-Postfix; TLS is required, but was not offered by host mx.b.example[192.0.2.1]
      Content-Type: message/rfc822
      Subject: our certificate has expired
      """, FailureClass.startTLSNotSupported
    ),
    (
      """
      Subject: Mail delivery failed: returning message to sender

      A message that you sent could not be delivered to one or more of its
      recipients. This is a permanent error. The following address(es) failed:

        a@b.example
          host mx.b.example [192.0.2.1]
          TLS session: (SSL_connect): error:0A00018A:SSL routines::dh key too small:
          retry timeout exceeded

      ------ This is a copy of the message, including all the headers. ------
      Subject: certificate has expired
      """, .weakKey
    ),
    (
      """
      Hi. This is the qmail-send program at mail.example.com.
      I'm afraid I wasn't able to deliver your message to the following addresses.

      <a@b.example>:
      192.0.2.1 does not like recipient.
      Remote host said: 452 4.2.2 mailbox full
      Giving up on 192.0.2.1.

      --- Below this line is a copy of the message.
      Subject: TLS handshake failed

      Here is what I got yesterday:
      Diagnostic-Code: smtp; SSL_connect: error:0A00018A:SSL routines::dh key too small
      """, .mailboxFull
    ),
    (
      """
      From: postmaster@mail.example.com
      MIME-Version: 1.0
      Content-Type: multipart/report; boundary="=_part"

      --=_part
      Content-Type: text/plain; charset=utf-8
      Content-Transfer-Encoding: base64

      WW91ciBtZXNzYWdlIHRvIGFAYi5leGFtcGxlIGNvdWxkbid0IGJlIGRlbGl2ZXJlZC4KClJlbW90
      ZSBzZXJ2ZXIgcmV0dXJuZWQgJzQ1NCA0LjcuNSBjZXJ0aWZpY2F0ZSBoYXMgZXhwaXJlZCAoaW4g
      cmVwbHkgdG8gU1RBUlRUTFMpJwo=
      --=_part
      Content-Type: message/rfc822

      Subject: connection refused
      """, .certificateExpired
    ),
    (
      """
      MIME-Version: 1.0
      Content-Type: text/plain; charset="iso-8859-1"
      Content-Transfer-Encoding: quoted-printable

      The message to a@b.example could not be delivered: TLS is requ=
      ired, but was not offered by host mx.b.example[192.0.2.1]=2E
      """, .startTLSNotSupported
    ),
    // What says base64 and is none, and a part that never ends.
    (
      """
      Content-Type: text/plain
      Content-Transfer-Encoding: base64

      !!!! =
      --next
      Content-Transfer-Encoding: quoted-printable

      452 4.2.2 mailbox full=
      """, .mailboxFull
    ),
  ])
  func `the report's own reason is found, not the returned message's words`(
    _ report: String,
    _ wanted: FailureClass
  ) {
    let explainer = LineExplainer(servers: registeredMailServers)
    let line = NDRText(report).diagnosis(by: explainer)
    #expect(explainer.explain(line).classification?.failureClass == wanted, "\(line)")
  }
}
