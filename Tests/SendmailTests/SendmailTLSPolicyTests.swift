import Foundation
import MailModel
import Testing

@testable import MailServers

/// What the access map and sendmail.cf ask of TLS.
struct SendmailTLSPolicyTests {
  private static let cf = """
    V10/Berkeley
    O CACertFile=/etc/mail/certs/ca.pem
    O CACertPath=/etc/mail/certs
    O ClientCertFile=/etc/mail/certs/c.pem
    O ClientKeyFile=/etc/mail/certs/c.key
    O CipherList=HIGH:!aNULL
    O ClientSSLOptions=+SSL_OP_NO_SSLv2 +SSL_OP_NO_SSLv3 +SSL_OP_NO_TLSv1 -SSL_OP_NO_TLSv1_3
    Kaccess hash -T<TMPF> /etc/mail/access
    Stls_clt_features

    """

  private func policy(_ access: String, cf: String = cf) -> TLSPolicy? {
    let files = [
      ConfigurationFile(path: "/nonexistent/sendmail.cf", bytes: Array(cf.utf8)),
      ConfigurationFile(path: "/nonexistent/access", bytes: Array(access.utf8)),
    ]
    return Sendmail().readConfiguration(files)
      .tlsPolicy(domain: "b.example", nextHop: "mx.b.example")
  }

  @Test(arguments: [
    ("TLS_Srv:other.example\tVERIFY", TLSLevel.may, TLSPolicy.Origin.serverDefault, true, []),
    ("TLS_Srv:mx.b.example\tENCR:112", .encrypt, .destination, true, []),
    ("TLS_Rcpt:b.example\tTEMP+ENCR:112", .encrypt, .destination, true, []),
    ("TLS_Srv:\tPERM+VERIFY:256", .verify, .everyone, false, []),
    ("TLS_Srv:b.example\tVERIFY:256+CN", .verify, .destination, true, ["hostname"]),
    (
      "TLS_Srv:mx.b.example\tVERIFY:128+CN:mail.b.example+CI:x", .verify, .destination, true,
      ["mail.b.example"]
    ),
    ("TLS_Srv:\tENCR:112\nTLS_Rcpt:b.example\tVERIFY", .verify, .destination, false, []),
    ("TLS_Srv:\tVERIFY\nTry_TLS:mx.b.example\tNO", .none, .destination, true, []),
    ("TLS_Clt:x.example\tVERIFY\nTry_TLS:\tNO", .none, .everyone, true, []),
  ])
  func `access rules make the level, and say which name counts`(
    _ access: String,
    _ level: TLSLevel,
    _ origin: TLSPolicy.Origin,
    _ checksName: Bool,
    _ names: [String]
  ) {
    let found = policy(access)
    #expect(found?.level == level)
    #expect(found?.origin == origin)
    #expect(found?.checksName == checksName)
    #expect(found?.matchNames == names)
  }

  @Test(
    arguments: [
      ("TLS_Srv:\tENCR:112", 112), ("TLS_Srv:\tTEMP+VERIFY:256+CN:256.example", 256),
      ("TLS_Srv:\tENCR:112\nTLS_Rcpt:b.example\tVERIFY:128", 128), ("TLS_Srv:\tVERIFY", nil),
      ("TLS_Srv:other.example\tENCR:256", nil),
    ] as [(String, Int?)]
  )
  func `the bits that a rule asks for are kept`(_ access: String, _ bits: Int?) {
    #expect(policy(access)?.minimumCipherBits == bits)
  }

  @Test func `files, ciphers and versions are those of sendmail_cf`() {
    let found = policy("TLS_Srv:mx.b.example\tVERIFY")
    #expect(found?.caFile == "/etc/mail/certs/ca.pem")
    #expect(found?.caPath == "/etc/mail/certs")
    #expect(found?.authorities == .never)
    #expect(found?.clientCertificate == "/etc/mail/certs/c.pem")
    #expect(found?.clientKey == "/etc/mail/certs/c.key")
    #expect(found?.ciphers == "HIGH:!aNULL")
    #expect(found?.minimumProtocol == "TLSv1.1")
    #expect(found?.maximumProtocol == nil)
  }

  @Test func `session features hold for the host that they name`() {
    let access =
      "TLS_Clt_Features:mx.b.example\tOptions=SSL_OP_NO_TLSv1_3; CipherList=ALL:@SECLEVEL=1; "
      + "CertFile=/x.pem; KeyFile=/x.key"
    let found = policy(access)
    #expect(found?.maximumProtocol == "TLSv1.2")
    #expect(found?.ciphers == "ALL:@SECLEVEL=1")
    #expect(found?.clientCertificate == "/x.pem")
    #expect(found?.clientKey == "/x.key")
    // Without the feature in sendmail.cf the map is not asked.
    let without = policy(access, cf: Self.cf.replacing("Stls_clt_features", with: ""))
    #expect(without?.ciphers == "HIGH:!aNULL")
  }

  @Test func `an access map beside sendmail_cf is read, one that is missing leaves it unknown`()
    throws
  {
    let place = NSTemporaryDirectory() + "sendmail-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place) }
    let file = ConfigurationFile(path: place + "/sendmail.cf", bytes: Array(Self.cf.utf8))
    func level() -> TLSLevel? {
      Sendmail().readConfiguration([file]).tlsPolicy(domain: "b.example", nextHop: nil)?.level
    }
    #expect(level() == nil)
    try Data("TLS_Srv:b.example\tVERIFY\n".utf8).write(
      to: URL(fileURLWithPath: place + "/access")
    )
    #expect(level() == .verify)
  }
}
