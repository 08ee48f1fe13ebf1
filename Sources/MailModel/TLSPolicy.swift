/// How strictly a server protects mail to a destination, in rising order.
package enum TLSLevel: String, CaseIterable, Hashable, Sendable {
  case none
  case may
  case encrypt
  case dane
  case daneOnly = "dane-only"
  case fingerprint
  case verify
  case secure
}

/// Security levels of OpenSSL (SSL_CTX_set_security_level(3)) that a server sets for its sessions.
package struct OpenSSLSecurity: Hashable, Sendable {
  /// Where the peer is authenticated.
  package var authenticated: Int
  /// Where it is not.
  package var opportunistic: Int
  /// For the peer's chain of certificates; nil: that of the session.
  package var chain: Int?

  package init(authenticated: Int, opportunistic: Int, chain: Int? = nil) {
    self.authenticated = authenticated
    self.opportunistic = opportunistic
    self.chain = chain
  }
}

/// What a server's configuration demands of TLS towards one destination.
package struct TLSPolicy: Hashable, Sendable {
  /// Where the level comes from: a demand for one destination binds, a default may be lowered.
  package enum Origin: String, CaseIterable, Hashable, Sendable {
    case destination
    case everyone
    case serverDefault
  }

  /// When the system's authorities are trusted.
  package enum SystemAuthorities: Hashable, Sendable {
    case never
    case otherwise
    case always
  }

  package var level: TLSLevel
  package var origin: Origin
  /// Names or patterns that the peer's certificate must carry; empty: the server's default.
  package var matchNames: [String]
  /// Whether names count at the levels that verify; else a trusted chain is enough.
  package var checksName = true
  package var fingerprints: [String]
  package var caFile: String?
  package var caPath: String?
  package var clientCertificate: String?
  package var clientKey: String?
  /// `TLSv1.2` and the like; nil: the library's default.
  package var minimumProtocol: String?
  package var maximumProtocol: String?
  /// OpenSSL cipher string for TLS 1.2 and older, where the server was built with OpenSSL.
  package var ciphers: String?
  /// TLS from the first byte, on whatever port.
  package var isImplicit = false
  /// Bits that the session's cipher has at least; nil: as many as it has.
  package var minimumCipherBits: Int?
  /// The name sent in SNI: a name, or `hostname` or `nexthop` for what these are; nil: the server's
  /// default.
  package var serverName: String?
  /// Whether the server sends the host's name in SNI where ``serverName`` states none. Under DANE
  /// every server does (RFC 7672 section 8.1).
  package var sendsServerName = true
  /// Whether the system's authorities are trusted: instead of ``caFile`` and ``caPath`` where there
  /// are none, or, for a server that adds them, beside these.
  package var authorities = SystemAuthorities.otherwise
  /// Nil: the library's default.
  package var security: OpenSSLSecurity?
  /// Whether the server goes by DANE at a host that publishes records, whatever its level.
  package var triesDANE = false
  /// Whether records count though the MX records that led to the host are not signed (RFC 7672
  /// section 2.2.1 leaves it to the sender).
  package var usesDANEBehindUnsignedMX = false
  /// File and line that state it, for people.
  package var source: String?

  package init(
    level: TLSLevel,
    origin: Origin,
    matchNames: [String] = [],
    fingerprints: [String] = [],
    caFile: String? = nil,
    caPath: String? = nil,
    clientCertificate: String? = nil,
    clientKey: String? = nil,
    minimumProtocol: String? = nil,
    maximumProtocol: String? = nil,
    ciphers: String? = nil,
    serverName: String? = nil,
    source: String? = nil
  ) {
    self.level = level
    self.origin = origin
    self.matchNames = matchNames
    self.fingerprints = fingerprints
    self.caFile = caFile
    self.caPath = caPath
    self.clientCertificate = clientCertificate
    self.clientKey = clientKey
    self.minimumProtocol = minimumProtocol
    self.maximumProtocol = maximumProtocol
    self.ciphers = ciphers
    self.serverName = serverName
    self.source = source
  }
}

/// A configuration file's path and bytes, read by the caller.
package struct ConfigurationFile: Hashable, Sendable {
  package var path: String
  package var bytes: [UInt8]

  package init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }
}

/// A server's configuration, as far as retries and outgoing TLS go.
package protocol MailServerConfiguration: Sendable {
  var server: MailServerID { get }
  /// The files it was read from.
  var paths: [String] { get }
  /// What the configuration demands for `domain` reached over `nextHop` (a host name without
  /// brackets, nil where not known); nil where the configuration read does not say.
  func tlsPolicy(domain: String, nextHop: String?) -> TLSPolicy?
  /// Where the configuration sends a domain's mail instead of to its MX hosts: a name whose MX hosts
  /// take it, or with brackets a host, both with `:PORT` behind; nil where it states nothing.
  func relay(for domain: String) -> String?
  /// Settings that could not be understood or files that could not be read.
  var troubles: [ReadTrouble] { get }
}

extension MailServerConfiguration {
  package func relay(for domain: String) -> String? { nil }
}
