import MailModel

/// The Postfix programs that log, as far as they are told apart; numbered for ``LogLine/program``.
enum PostfixDaemon: Int, Hashable, Sendable {
  /// Programs that log a result line per recipient.
  case deliveryAgent = 1
  /// The error(8) agent: results without a connection.
  case errorAgent
  case queueManager
  case cleanup
  case pickup
  case smtpServer
  case bounce
  case tlsProxy
  case postsuper
  case master
  case script
  /// Known, and nothing they say is needed.
  case bystander

  /// The program of a syslog tag: its last path component, where there is a slash before it
  /// (`postfix/smtp`, `relay/smtp`, `postfix/submission/smtpd`, `/postfix-script`).
  static func named(_ bytes: Span<UInt8>, in tag: Range<Int>) -> PostfixDaemon? {
    guard
      let slash = bytes.lastIndex(of: UInt8(ascii: "/"), from: tag.lowerBound, to: tag.upperBound)
    else { return nil }
    let name = (slash + 1)..<tag.upperBound
    for (literal, daemon) in table where bytes.equals(literal, in: name) { return daemon }
    return nil
  }

  private static let table: [(StaticString, PostfixDaemon)] = [
    ("smtp", .deliveryAgent), ("smtpd", .smtpServer), ("qmgr", .queueManager),
    ("cleanup", .cleanup), ("lmtp", .deliveryAgent), ("error", .errorAgent),
    ("local", .deliveryAgent), ("virtual", .deliveryAgent), ("pipe", .deliveryAgent),
    ("discard", .deliveryAgent), ("retry", .errorAgent), ("nqmgr", .queueManager),
    ("oqmgr", .queueManager), ("pickup", .pickup), ("bounce", .bounce), ("defer", .bounce),
    ("trace", .bounce), ("tlsproxy", .tlsProxy), ("postsuper", .postsuper), ("master", .master),
    ("postfix-script", .script), ("anvil", .bystander), ("scache", .bystander),
    ("trivial-rewrite", .bystander), ("verify", .bystander), ("postscreen", .bystander),
    ("postlogd", .bystander), ("tlsmgr", .bystander), ("flush", .bystander),
    ("proxymap", .bystander), ("dnsblog", .bystander), ("showq", .bystander),
    ("qmqpd", .bystander), ("spawn", .bystander), ("postdrop", .bystander),
    ("postqueue", .bystander), ("sendmail", .bystander), ("postmap", .bystander),
    ("postalias", .bystander), ("postconf", .bystander), ("postcat", .bystander),
    ("postlog", .bystander), ("postmulti", .bystander), ("posttls-finger", .bystander),
  ]
}
