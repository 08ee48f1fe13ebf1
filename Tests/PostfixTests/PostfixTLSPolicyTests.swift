import MailModel
import Testing

@testable import MailServers

/// What main.cf and a policy map ask of TLS, as smtp(8) understands them. Expected lists are those that
/// Postfix's own `TLS cipher list` log line and postconf -d show.
struct PostfixTLSPolicyTests {
  private func policy(
    _ main: String,
    entry: String? = nil,
    domain: String = "b.example"
  ) -> TLSPolicy? {
    var files = [
      ConfigurationFile(
        path: "/x/main.cf",
        bytes: Array(
          (main + "\nmyhostname = a.example"
            + (entry == nil ? "" : "\nsmtp_tls_policy_maps = hash:/x/policy")).utf8
        )
      )
    ]
    if let entry {
      files.append(ConfigurationFile(path: "/x/policy", bytes: Array("b.example \(entry)\n".utf8)))
    }
    return PostfixConfiguration(files).tlsPolicy(domain: domain, nextHop: "mx.b.example")
  }

  @Test(arguments: [
    ("smtp_tls_security_level = may", nil, "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH"),
    (
      "smtp_tls_security_level = encrypt", nil,
      "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH:!eNULL"
    ),
    (
      "smtp_tls_security_level = verify", nil,
      "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH:!aNULL"
    ),
    (
      "smtp_tls_security_level = may\nsmtp_tls_ciphers = high", nil,
      "aNULL:-aNULL:HIGH:@STRENGTH"
    ),
    (
      "smtp_tls_security_level = encrypt\nsmtp_tls_mandatory_ciphers = high\n"
        + "tls_high_cipherlist = ECDHE+AESGCM\nsmtp_tls_exclude_ciphers = RC4, aNULL\n"
        + "smtp_tls_mandatory_exclude_ciphers = 3DES",
      nil, "ECDHE+AESGCM:!RC4:!aNULL:!3DES:!eNULL"
    ),
    (
      "smtp_tls_exclude_ciphers = RC4", "encrypt ciphers=high exclude=3DES:DHE",
      "aNULL:-aNULL:HIGH:@STRENGTH:!3DES:!DHE:!eNULL"
    ),
    ("smtp_tls_security_level = none", nil, nil), ("", "may ciphers=nonsense", nil),
  ])
  func `a cipher grade is the list that it names, without what is excluded`(
    _ main: String,
    _ entry: String?,
    _ list: String?
  ) {
    #expect(policy(main, entry: entry)?.ciphers == list)
  }

  @Test(
    arguments: [
      (">=TLSv1.2", "TLSv1.2", nil), (">=TLSv1, <=TLSv1.2", "TLSv1", "TLSv1.2"),
      ("!SSLv2, !SSLv3, !TLSv1", "TLSv1.1", nil), ("!SSLv2:!TLSv1.3", "SSLv3", "TLSv1.2"),
      ("TLSv1.2", "TLSv1.2", "TLSv1.2"), ("TLSv1.2 TLSv1.3", "TLSv1.2", nil),
      (">=0303", "TLSv1.2", nil), ("!SSLv3, !TLSv1, !TLSv1.1, !TLSv1.2", "TLSv1.3", nil),
    ] as [(String, String?, String?)]
  )
  func `a list of protocols is a range`(_ list: String, _ minimum: String?, _ maximum: String?) {
    let mandatory = policy(
      "smtp_tls_security_level = encrypt\nsmtp_tls_mandatory_protocols = \(list)"
    )
    #expect(mandatory?.minimumProtocol == minimum)
    #expect(mandatory?.maximumProtocol == maximum)
    let stated = policy("", entry: "may protocols=" + list.filter { $0 != " " })
    if !list.contains(" ") { #expect(stated?.minimumProtocol == minimum) }
    // Opportunistic sessions have a list of their own.
    #expect(
      policy("smtp_tls_security_level = may\nsmtp_tls_mandatory_protocols = \(list)")?
        .minimumProtocol == "TLSv1"
    )
  }

  @Test func `what is matched comes from the entry, else from main.cf`() {
    let main =
      "smtp_tls_secure_cert_match = nexthop\nsmtp_tls_verify_cert_match = hostname, dot-nexthop"
    #expect(policy(main, entry: "secure")?.matchNames == ["nexthop"])
    #expect(policy(main, entry: "verify")?.matchNames == ["hostname", "dot-nexthop"])
    #expect(
      policy(main, entry: "verify match=a.example:.b.example")?.matchNames == [
        "a.example", ".b.example",
      ]
    )
    #expect(
      policy(main, entry: "fingerprint match=AA|BB match=CC")?.fingerprints == [
        "AA", "BB", "CC",
      ]
    )
  }

  @Test func `no authority is trusted unless one is named`() {
    #expect(policy("", entry: "verify")?.authorities == .never)
    #expect(policy("tls_append_default_CA = yes", entry: "verify")?.authorities == .always)
    let anchored = policy("smtp_tls_CAfile = /ca.pem", entry: "secure tafile=/ta.pem")
    #expect(anchored?.caFile == "/ta.pem")
    #expect(anchored?.caPath == nil)
  }

  @Test func `SNI is sent only where it is asked for`() {
    #expect(policy("", entry: "encrypt")?.serverName == nil)
    #expect(policy("", entry: "encrypt")?.sendsServerName == false)
    #expect(policy("smtp_tls_servername = hostname", entry: "may")?.serverName == "hostname")
    #expect(policy("", entry: "may servername=x.example")?.serverName == "x.example")
  }

  @Test func `security levels are those of Postfix's own sessions`() {
    #expect(
      policy("", entry: "verify")?.security
        == OpenSSLSecurity(authenticated: 1, opportunistic: 0)
    )
  }

  @Test(arguments: [
    ("smtp_tls_security_level = dane", true), ("smtp_tls_security_level = may", false),
    ("smtp_tls_security_level = dane\nsmtp_tls_dane_insecure_mx_policy = may", false),
    ("smtp_tls_dane_insecure_mx_policy = dane", true),
  ])
  func `whether DANE counts behind unsigned MX records is as postconf says`(
    _ main: String,
    _ counts: Bool
  ) {
    #expect(policy(main, entry: "dane")?.usesDANEBehindUnsignedMX == counts)
  }

  @Test func `the client certificate is the one that smtp shows`() {
    #expect(policy("smtp_tls_cert_file = /c.pem", entry: "may")?.clientKey == "/c.pem")
    let chained = policy(
      "smtp_tls_chain_files = /key-and-chain.pem, /rsa.pem\nsmtp_tls_cert_file = /old.pem",
      entry: "may"
    )
    #expect(chained?.clientCertificate == "/key-and-chain.pem")
    let elliptic = policy(
      "smtp_tls_eccert_file = /e.pem\nsmtp_tls_eckey_file = /e.key",
      entry: "may"
    )
    #expect(elliptic?.clientCertificate == "/e.pem")
    #expect(elliptic?.clientKey == "/e.key")
  }

  @Test func `wrapper mode is TLS from the first byte`() {
    #expect(policy("smtp_tls_wrappermode = yes", entry: "encrypt")?.isImplicit == true)
    #expect(policy("", entry: "encrypt")?.isImplicit == false)
  }

  @Test func `a transport of its own has the settings of its service`() {
    let main = """
      myhostname = a
      smtp_tls_security_level = may
      smtp_tls_policy_maps = inline:{d.example=secure}
      transport_maps = inline:{b.example=strict:, d.example=bare:[mx.d.example], e.example=plain:}

      """
    let master = """
      smtp unix - - y - - smtp
        -o smtp_tls_security_level=encrypt
      strict unix - - y - - smtp
        -o smtp_tls_security_level=verify -o smtp_tls_CAfile=/ca.pem
      bare unix - - y - - smtp
        -o smtp_tls_policy_maps=
      plain unix - - y - - smtp

      """
    let read = PostfixConfiguration([
      ConfigurationFile(path: "/x/main.cf", bytes: Array(main.utf8)),
      ConfigurationFile(path: "/x/master.cf", bytes: Array(master.utf8)),
    ])
    #expect(read.tlsPolicy(domain: "b.example", nextHop: nil)?.level == .verify)
    #expect(read.tlsPolicy(domain: "b.example", nextHop: nil)?.caFile == "/ca.pem")
    // What the usual service sets is its own.
    #expect(read.tlsPolicy(domain: "d.example", nextHop: nil)?.level == .may)
    #expect(read.tlsPolicy(domain: "e.example", nextHop: nil)?.level == .may)
    #expect(read.tlsPolicy(domain: "c.example", nextHop: nil)?.level == .encrypt)
  }

  @Test func `master_cf alone tells no level`() {
    let read = PostfixConfiguration([
      ConfigurationFile(
        path: "/x/master.cf",
        bytes: Array("smtp unix - - y - - smtp\nqmgr unix n - n 300 1 qmgr\n".utf8)
      )
    ])
    #expect(read.tlsPolicy(domain: "b.example", nextHop: nil) == nil)
  }

  @Test(
    arguments: [
      ("relayhost = [smart.example]:587", "[smart.example]:587"),
      ("relayhost = smart.example", "smart.example"), ("relayhost =", nil),
      (
        "relayhost = smart.example\ntransport_maps = inline:{b.example=smtp:[mx.own.example]}",
        "[mx.own.example]"
      ),
      ("relayhost = smart.example\ntransport_maps = inline:{b.example=smtp:}", nil),
    ] as [(String, String?)]
  )
  func `a relay host or a transport table says where mail goes`(_ main: String, _ relay: String?) {
    let read = PostfixConfiguration([
      ConfigurationFile(path: "/x/main.cf", bytes: Array((main + "\nmyhostname = a").utf8))
    ])
    #expect(read.relay(for: "b.example") == relay)
  }
}
