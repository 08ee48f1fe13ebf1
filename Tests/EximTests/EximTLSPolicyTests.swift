import MailModel
import Testing

@testable import MailServers

/// What the options of an smtp transport ask of TLS.
struct EximTLSPolicyTests {
  private func policy(
    _ text: String,
    domain: String = "b.example",
    host: String? = "mx.b.example"
  ) -> TLSPolicy? {
    let file = ConfigurationFile(path: "/x/exim.conf", bytes: Array(text.utf8))
    guard Exim().isConfiguration(file) else { return nil }
    return Exim().readConfiguration([file]).tlsPolicy(domain: domain, nextHop: host)
  }

  private func transport(_ options: String...) -> String {
    "begin routers\nout:\n  driver = dnslookup\n  transport = remote_smtp\n"
      + "begin transports\nremote_smtp:\n  driver = smtp\n"
      + options.map { "  \($0)\n" }.joined() + "begin retry\n* * F,1h,10m\n"
  }

  @Test(arguments: [
    ([], TLSLevel.may, TLSPolicy.Origin.serverDefault),
    (["hosts_require_tls = *"], .encrypt, .everyone),
    (["hosts_require_tls = mx.b.example : mx.c.example"], .encrypt, .destination),
    (["hosts_require_tls = *.b.example"], .encrypt, .destination),
    (["hosts_require_tls = *.c.example"], .may, .serverDefault),
    (["hosts_require_tls = ! *.c.example"], .encrypt, .everyone),
    (["hosts_require_tls = !mx.b.example : *"], .may, .serverDefault),
    (["hosts_require_tls = <; mx.c.example ; mx.b.example"], .encrypt, .destination),
    (["hosts_avoid_tls = mx.b.example"], .none, .destination),
    // A verification that fails sends the mail in clear, unless TLS is required as well.
    (["tls_verify_hosts = *"], .may, .serverDefault),
    (["tls_verify_hosts = *", "no_tls_tempfail_tryclear"], .verify, .everyone),
    (
      ["tls_verify_hosts = mx.b.example", "hosts_require_tls = mx.b.example"], .verify, .destination
    ),
    (["hosts_require_dane = mx.b.example"], .daneOnly, .destination),
  ])
  func `lists of hosts make the level`(
    _ options: [String],
    _ level: TLSLevel,
    _ origin: TLSPolicy.Origin
  ) {
    let found = policy(
      transport().replacing(
        "driver = smtp\n",
        with: "driver = smtp\n" + options.map { "  \($0)\n" }.joined()
      )
    )
    #expect(found?.level == level)
    #expect(found?.origin == origin)
  }

  @Test(arguments: [
    "hosts_require_tls = ${lookup{$host}lsearch{/etc/x}}", "hosts_require_tls = lsearch;/etc/x",
    "hosts_avoid_tls = +nowhere",
  ])
  func `a list that only Exim can read leaves the policy unknown`(_ option: String) {
    #expect(policy(transport(option)) == nil)
  }

  @Test func `macros, conditions and continued lines are read as Exim reads them`() {
    let text = """
      STRICT = mx.b.example
      .ifdef STRICT
      .ifndef LOOSE
      OUT = STRICT : \\
            mx.c.example
      .else
      OUT = nobody.example
      .endif
      .endif
      """
    #expect(policy(text + "\n" + transport("hosts_require_tls = OUT"))?.level == .encrypt)
    #expect(
      policy("LOOSE = 1\n" + text + "\n" + transport("hosts_require_tls = OUT"))?.level == .may
    )
  }

  @Test func `the first router that takes the domain names the transport`() {
    let text = """
      domainlist partners = b.example : *.c.example
      hostlist strict = mx.b.example
      begin routers
      local:
        driver = accept
        domains = @
        transport = local
      partner:
        driver = dnslookup
        domains = +partners
        transport = strict_smtp
      out:
        driver = dnslookup
        domains = ! +partners
        transport = remote_smtp
      begin transports
      local:
        driver = appendfile
      remote_smtp:
        driver = smtp
      strict_smtp:
        driver = smtp
        hosts_require_tls = +strict

      """
    #expect(policy(text)?.level == .encrypt)
    #expect(policy(text)?.source == "/x/exim.conf (transport strict_smtp)")
    #expect(policy(text, domain: "d.example", host: "mx.d.example")?.level == .may)
  }

  @Test func `files, names and versions are the transport's`() {
    let found = policy(
      transport(
        "tls_certificate = /etc/ssl/$domain.pem",
        "tls_privatekey = /etc/ssl/key.pem",
        "tls_verify_certificates = /etc/ssl/ca.pem",
        "tls_sni = $host",
        "tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.2"
      )
    )
    #expect(found?.clientCertificate == "/etc/ssl/b.example.pem")
    #expect(found?.clientKey == "/etc/ssl/key.pem")
    #expect(found?.caFile == "/etc/ssl/ca.pem")
    #expect(found?.authorities == .never)
    #expect(found?.serverName == "mx.b.example")
    #expect(found?.minimumProtocol == "TLSv1.2")
    #expect(found?.maximumProtocol == "TLSv1.2")
    #expect(found?.ciphers == nil)
    #expect(found?.triesDANE == true)
  }

  @Test func `a list of OpenSSL's is handed on, and without SNI none is sent`() {
    let found = policy(
      transport(
        "tls_require_ciphers = ALL:!RC4",
        "hosts_try_dane =",
        "tls_verify_certificates = system"
      )
    )
    #expect(found?.ciphers == "ALL:!RC4")
    #expect(found?.sendsServerName == false)
    #expect(found?.serverName == nil)
    #expect(found?.triesDANE == false)
    #expect(found?.authorities == .otherwise)
  }

  /// `exim -bP transports`, shortened.
  @Test func `what exim -bP shows is read`() {
    let text = """

      remote_smtp transport:
      no_body_only
      driver = smtp
      hosts_avoid_tls = 
      hosts_require_tls = *.secure.example : mx.b.example
      hosts_try_dane = *
      tls_certificate = /etc/c.pem
      tls_tempfail_tryclear
      tls_try_verify_hosts = *
      tls_verify_certificates = /etc/ssl/certs/ca.pem
      tls_verify_hosts = 

      """
    let found = policy(text)
    #expect(found?.level == .encrypt)
    #expect(found?.origin == .destination)
    #expect(found?.clientCertificate == "/etc/c.pem")
    #expect(found?.clientKey == "/etc/c.pem")
  }

  @Test(
    arguments: [
      ("NORMAL", "TLSv1", nil), ("SECURE256:-VERS-TLS1.0:-VERS-TLS1.1", "TLSv1.2", nil),
      ("NORMAL:-VERS-TLS1.3", "TLSv1", "TLSv1.2"), ("NONE:+VERS-TLS1.3", "TLSv1.3", nil),
    ] as [(String, String?, String?)]
  )
  func `a priority string tells versions`(_ text: String, _ minimum: String?, _ maximum: String?) {
    let priority = GnuTLSPriority(text)
    #expect(priority?.minimum == minimum)
    #expect(priority?.maximum == maximum)
  }

  @Test(arguments: ["ALL:@SECLEVEL=0", "HIGH:!aNULL", "ECDHE+AESGCM"])
  func `a cipher list is no priority string`(_ text: String) {
    #expect(GnuTLSPriority(text) == nil)
  }
}
