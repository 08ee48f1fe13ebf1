/// The configuration that the tests' Postfix servers have in common.
enum PostfixFiles {
  /// `main.cf` of a server whose directories lie below `root`, with further lines.
  static func main(root: String, _ more: String) -> String {
    """
    compatibility_level = 3.6
    queue_directory = \(root)/spool
    data_directory = \(root)/data
    command_directory = /usr/sbin
    daemon_directory = /usr/lib/postfix/sbin
    meta_directory = /etc/postfix
    shlib_directory = /usr/lib/postfix
    mail_owner = postfix
    setgid_group = postdrop
    maillog_file = \(root)/log/mail.log
    maillog_file_prefixes = \(root)
    myhostname = mx1.sender.example
    mydestination =
    alias_maps =
    alias_database =
    local_recipient_maps =
    local_transport = error:none
    inet_interfaces = 127.0.0.1
    inet_protocols = ipv4
    enable_long_queue_ids = yes
    notify_classes =
    \(more)

    """
  }

  /// `master.cf`, with further lines: `smtp` at least.
  static func master(_ more: String) -> String {
    """
    postlog unix-dgram n - n - 1 postlogd
    pickup unix n - n 60 1 pickup
    cleanup unix n - n - 0 cleanup
    qmgr unix n - n 300 1 qmgr
    tlsmgr unix - - n 1000? 1 tlsmgr
    rewrite unix - - n - - trivial-rewrite
    bounce unix - - n - 0 bounce
    defer unix - - n - 0 bounce
    trace unix - - n - 0 bounce
    verify unix - - n - 1 verify
    flush unix n - n 1000? 0 flush
    proxymap unix - - n - - proxymap
    showq unix n - n - - showq
    error unix - - n - - error
    retry unix - - n - - error
    discard unix - - n - - discard
    anvil unix - - n - 1 anvil
    scache unix - - n - 1 scache
    \(more)

    """
  }
}
