import MailModel
import Testing

@testable import MailServers

/// What Exim's remedies copy from the configuration that was read, and how they get into it.
struct EximRemedyTests {
  private static let debian = """
    # This file was generated dynamically from
    # split config files in the /etc/exim4/conf.d/ directory.
    UPEX4CmacrosUPEX4C = 1
    MAIN_RELAY_TO_DOMAINS=backup.example
    DCconfig_smarthost=1
    DCsmarthost=relay.example::587
    domainlist local_domains = @:localhost
    domainlist relay_to_domains = MAIN_RELAY_TO_DOMAINS
    begin routers
    hubbed_hosts:
      driver = manualroute
      domains = "${if exists{/etc/exim4/hubbed_hosts}{partial-lsearch;/etc/exim4/hubbed_hosts}fail}"
      route_data = ${lookup{$domain}partial-lsearch{/etc/exim4/hubbed_hosts}}
      transport = remote_smtp
    .ifdef DCconfig_internet
    dnslookup:
      driver = dnslookup
      domains = ! +local_domains
      transport = remote_smtp
      no_more
    .endif
    .ifdef DCconfig_smarthost DCconfig_satellite
    smarthost:
      debug_print = "R: smarthost for $local_part@$domain"
      driver = manualroute
      domains = ! +local_domains
      transport = remote_smtp_smarthost
      route_list = * DCsmarthost byname
      host_find_failed = ignore
      no_more
    .else
    other:
      driver = accept
      transport = remote_smtp
    .endif
    begin transports
    remote_smtp:
      driver = smtp
    remote_smtp_smarthost:
      driver = smtp
      hosts_try_auth = <; ${if exists{/etc/exim4/passwd.client} \\
            {${lookup{$host}nwildlsearch{/etc/exim4/passwd.client}{$host_address}}}\\
            {} }
      hide dkim_private_key = <value not displayable>
      hosts_require_tls = *
      tls_verify_hosts = *
      tls_verify_certificates = /etc/ssl/certs/ca-certificates.crt
    """

  private static func read(_ text: String, path: String = "/etc/exim/exim.conf")
    -> EximConfiguration
  {
    EximConfiguration([ConfigurationFile(path: path, bytes: Array(text.utf8))])
  }

  private static func remedies(
    _ failureClass: FailureClass,
    _ configuration: EximConfiguration?,
    domain: String = "b.example",
    fingerprint: String? = nil
  ) throws -> [Remedy] {
    Exim().remedies(
      for: RemedyRequest(
        domain: try #require(HostName(domain)),
        nextHops: [],
        failureClass: failureClass,
        responsible: .remote,
        policy: configuration?.tlsPolicy(domain: domain, nextHop: nil),
        configuration: configuration,
        certificateFingerprint: fingerprint,
        validUntil: Timestamp(seconds: 1_790_000_000),
        now: Timestamp(seconds: 1_789_000_000)
      )
    )
  }

  @Test func `mail for a smarthost goes on to it, with what the transport sets besides TLS`() throws
  {
    let read = EximRemedyTests.read(EximRemedyTests.debian)
    let remedy = try #require(try EximRemedyTests.remedies(.certificateExpired, read).first)
    #expect(
      remedy.configuration == """
        # /etc/exim4/conf.d/router/190_mailtriage_b_example
        # mailtriage: b.example certificate-expired, until 2026-09-21T14:13:20Z
        mailtriage_b_example:
          driver = manualroute
          route_list = * relay.example::587 byname
          host_find_failed = ignore
          domains = b.example
          transport = mailtriage_b_example
        # /etc/exim4/conf.d/transport/20_mailtriage_b_example
        # mailtriage: b.example certificate-expired, until 2026-09-21T14:13:20Z
        mailtriage_b_example:
          driver = smtp
          hosts_try_auth = <; ${if exists{/etc/exim4/passwd.client} {${lookup{$host}nwildlsearch\
        {/etc/exim4/passwd.client}{$host_address}}}{} }
          tls_verify_certificates = /etc/ssl/certs/ca-certificates.crt
          hosts_require_tls = *
          tls_try_verify_hosts = *
        """
    )
    #expect(remedy.weakens == .authentication)
  }

  @Test(arguments: [
    ("! +local", "b.example", true), ("! +local", "own.example", false),
    ("! +local : +relays", "b.example", false), ("! +local : +relays", "backup.example", true),
    ("! +local : *.example", "b.example", true), ("b.example : c.example", "c.example", true),
    ("<; b.example ; c.example", "c.example", true), ("+unknown", "b.example", nil),
    ("lsearch;/etc/x", "b.example", nil), ("${if true{*}}", "b.example", nil),
    ("^.*example$", "b.example", nil), ("@ : localhost", "b.example", false),
    ("", "b.example", false),
  ])
  func `a domain list has a domain, has it not, or does not tell`(
    _ list: String,
    _ domain: String,
    _ expected: Bool?
  ) {
    let lists = EximDomainList(named: ["local": "@ : own.example", "relays": "backup.example"])
    #expect(lists.contains(domain, in: list) == expected)
  }

  @Test func `lists that name each other end`() {
    #expect(EximDomainList(named: ["a": "+b", "b": "+a"]).contains("b.example", in: "+a") == nil)
  }

  private static let plain = """
    begin routers
    local:
      driver = accept
      domains = +local_domains
    out:
      driver = dnslookup
      transport = smtp_out
    begin transports
    smtp_out:
      driver = smtp
      hosts_require_tls = ! mx.c.example : *

    """

  @Test(arguments: [
    ("", "/srv/mail/exim.conf", "/srv/mail/exim.conf", "systemctl reload exim"),
    ("", "/etc/exim4/exim4.conf", "/etc/exim4/exim4.conf", "systemctl reload exim4"),
    (
      "# Exim Configuration (4.96)\n# 1 \"/etc/exim/exim.conf\"\n", "/tmp/bp.txt",
      "/etc/exim/exim.conf", "systemctl reload exim"
    ),
    (
      "# Exim Configuration (4.96)\n# 1 \"/var/lib/exim4/config.autogenerated\"\n", "/tmp/bp.txt",
      "/etc/exim4/exim4.conf.template", "systemctl reload exim4"
    ),
  ])
  func `the file that is changed is the one that the server reads`(
    _ head: String,
    _ path: String,
    _ changed: String,
    _ reload: String
  ) throws {
    let read = EximRemedyTests.read(head + EximRemedyTests.plain, path: path)
    let remedy = try #require(try EximRemedyTests.remedies(.startTLSNotSupported, read).first)
    #expect(remedy.apply.contains { $0.hasPrefix("sed ") && $0.contains(" \(changed)") })
    #expect(remedy.apply.contains { $0.contains("/^out:/i .include_if_exists ") })
    #expect(remedy.undo.contains { $0.hasPrefix("sed -i ") && $0.hasSuffix(" \(changed)") })
    #expect(remedy.apply.last == reload && remedy.undo.last == reload)
  }

  @Test(arguments: [
    ("/var/lib/exim4/config.autogenerated", "", ["NORMAL:-VERS-TLS1.3"]),
    ("/etc/exim/exim.conf", "openssl_options = +no_sslv2\n", []),
    ("/etc/exim/exim.conf", "", [".ifdef _HAVE_GNUTLS", "NORMAL:-VERS-TLS1.3", ".endif"]),
  ])
  func `a cipher string is for the library that the server was built with`(
    _ path: String,
    _ main: String,
    _ expected: [String]
  ) throws {
    let read = EximRemedyTests.read(main + EximRemedyTests.plain, path: path)
    let remedies = try EximRemedyTests.remedies(.handshakeDisconnected, read)
    let first = try #require(remedies.first)
    let lines = first.configuration.split(separator: "\n").map { $0.trimmed }
      .filter { $0.hasPrefix(".") || $0.hasPrefix("tls_require_ciphers") }
      .map { $0.replacing("tls_require_ciphers = ", with: "") }
    #expect(lines == expected)
    #expect((first.rung == .tls12AtMost) == !expected.isEmpty)
    // Which library it is does not show: the snippet works with one of them.
    #expect(first.risk.contains("OpenSSL") == expected.contains { $0.contains("_HAVE_GNUTLS") })
    let older = try #require(try EximRemedyTests.remedies(.protocolVersionMismatch, read).first)
    #expect(
      older.configuration.contains("DEFAULT:@SECLEVEL=0") == (path == "/etc/exim/exim.conf")
    )
  }

  @Test func `a certificate is pinned where a probe saw it and no other event is set`() throws {
    let seen = String(repeating: "ab", count: 32)
    func rungs(_ event: String, _ fingerprint: String?) throws -> [LadderRung] {
      try EximRemedyTests.remedies(
        .certificateSelfSigned,
        EximRemedyTests.read(EximRemedyTests.plain + event),
        fingerprint: fingerprint
      ).compactMap(\.rung)
    }
    #expect(try rungs("", seen) == [.pinnedCertificate, .noVerification])
    #expect(try rungs("", nil) == [.noVerification])
    #expect(try rungs("", "'; rm -rf /") == [.noVerification])
    #expect(try rungs("  event_action = ${acl{mine}}\n", seen) == [.noVerification])
  }

  @Test func `what others wrote into the configuration stays words to the shell`() throws {
    let hostile =
      EximRemedyTests.plain + "  helo_data = it's $(reboot) `x`\n  interface = \u{1b}[31m\n"
    let remedy = try #require(
      try EximRemedyTests.remedies(.weakKey, EximRemedyTests.read(hostile)).first
    )
    #expect(remedy.apply.contains { $0.contains(#"'  helo_data = it'\''s $(reboot) `x`'"#) })
    #expect(!remedy.apply.joined().contains("\u{1b}"))
  }

  @Test func `long and alike names get drivers of their own`() throws {
    let label = String(repeating: "a", count: 60)
    let names = try ["a-b.example", "a.b.example", "\(label).b.example", "\(label).c.example"].map {
      EximCommands(domain: try #require(HostName($0)), configuration: nil).name
    }
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0.utf8.count <= 64 })
  }

  @Test(arguments: [
    (".ifdef A\nx\n.else\ny\n.endif", ["y"]),
    ("A=1\n.ifdef B A\nx\n.else\ny\n.endif", ["x"]),
    ("A=1\n.ifndef A\nx\n.elifdef A\ny\n.else\nz\n.endif\nw", ["y", "w"]),
    (".ifdef A\n.ifdef B\nx\n.endif\ny\n.endif\nz", ["z"]),
    ("A = b\nC == A:A\nx = C", ["x = b:b"]), ("x = a \\\n   b\\\n  c", ["x = a bc"]),
    ("A=1\nx = AB ${A}", ["x = AB ${1}"]), (".endif\n.else\nx", ["x"]), ("x\\", ["x"]),
  ])
  func `conditions, macros and continued lines are read as the server reads them`(
    _ text: String,
    _ expected: [String]
  ) {
    #expect(EximText(text).lines == expected)
  }
}
