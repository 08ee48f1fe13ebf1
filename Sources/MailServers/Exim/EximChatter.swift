import MailModel

/// Lines of Exim that say nothing about a result, told by how they begin. Source: the log_write
/// calls of Exim 4.63 to 4.99; the Exim specification, chapter 53.
enum EximChatter {
  /// Behind a message id.
  static func isNote(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Bool {
    begins(bytes, text, notes) || isServerLine(bytes, text)
      // `ADDRESS: error ignored`
      || bytes.has(": error ignored", in: text)
  }

  /// Without a message id.
  static func isServerLine(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Bool {
    begins(bytes, text, serverLines) || isHeader(bytes, text)
  }

  private static func begins(
    _ bytes: Span<UInt8>,
    _ text: Range<Int>,
    _ openings: [StaticString]
  ) -> Bool {
    for opening in openings where bytes.has(opening, at: text.lowerBound, to: text.upperBound) {
      return true
    }
    return false
  }

  /// The rejectlog repeats a message's header: `P Received: …`, `  Subject: …`, `Envelope-from: …`.
  private static func isHeader(_ bytes: Span<UInt8>, _ text: Range<Int>) -> Bool {
    begins(bytes, text, ["Envelope-from: ", "Envelope-to: "])
      || (text.count > 2 && bytes[text.lowerBound + 1] == 0x20
        && bytes.firstIndex(of: ": ", from: text.lowerBound, to: text.upperBound) != nil)
  }

  private static let notes: [StaticString] = [
    "Completed", "Frozen", "frozen ", "Message is frozen", "Unfrozen", "unfrozen ", "removed by",
    "cancelled by", "marked ", "message abandoned", "retry time not reached", "retry timeout",
    "no immediate delivery", "Spool file", "Spoolfile", "spool file", "Format error in spool",
    "error ignored", "delivering to", "delivery ", "Delivery ", "log string overflow",
    "sender address changed", "address ", "routing ", "DANE ", "PRDR ", "DKIM: ", "CHUNKING",
    "SMTP error ", "SMTP timeout", "SMTP data timeout", "Remote host ", "remote host ", "Server ",
    "A TLS ", "a TLS ", "TLS ", "SSL ", "no host ", "lowest numbered", "all relevant",
    "demime ", "discarded ", "malware ", "spam ", "queue_", "queued ", "child ", "Child ",
    "transport ", "router ", "filter ", "could not ", "Could not ", "cannot ", "Cannot ", "can't ",
    "unable to ", "Unable to ", "appendfile: ", "pipe ", "process ", "message ", "Message ",
    "recipient", "Skipped ", "SPF ", "ARC ", "DMARC", "bounce ", "Warning message", "duplicate ",
    "re-fork", "internal ", "fallback ", "(=",
  ]

  private static let serverLines: [StaticString] = [
    "Start queue run", "End queue run", "exim ", "Exim ", "SMTP ", "TLS ", "H=", "F=", "U=", "[",
    "R=", "rejected ", "Rejected ", "unexpected disconnection", "no host name found",
    "no IP address", "SIGHUP", "SIGTERM", "Warning: ", "warning: ", "cwd=", "Connection ",
    "no MAIL in", "refused ", "pid ", "daemon", "lost ", "host ", "Host ", "Failed to", "failed to",
    "socket ", "bind() ", "setsockopt", "listening ", "Listening ", "IPv6 ", "too many ",
    "Unfrozen",
    "temporarily ", "temporary ", "connection ", "sender ", "recipient", "unqualified ",
    "incomplete ", "dropped: ", "dropping ", "DNS ", "AUTH ", "VRFY ", "EXPN ", "ETRN ", "HELO ",
    "EHLO ", "protocol ", "rda ", "Berkeley ", "DB_", "dbfn_", "dbmjz", "retry ", "Malformed ",
    "malformed ", "syntax ", "auth_", "authenticator", "ACL ", "acl_", "Permission ", "could not ",
    "Could not ", "unable to ", "Unable to ", "cannot ", "Cannot ", "error ", "Error ", "LOG: ",
    "tls_", "openssl", "gnutls", "GnuTLS", "OpenSSL", "DANE", "DKIM", "SPF", "PRX", "proxy ",
    "Proxy ", "message ", "Message ", "log ", "User ", "uid ", "removed ", "queue", "string ",
    "select ", "fork ", "accept", "Taint", "taint", "configuration", "Configuration", "Option ",
    "option ", "alias ", "group ", "process", "smtp ", "dynamic ", "local_scan", "ident ",
    "discarded ", "=", "-- ", "delay ", "ratelimit",
  ]
}
