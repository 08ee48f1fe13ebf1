import MailModel
import MailServers
import Reporting

/// How to make a test path to a domain, for the server whose configuration was read, else for all that
/// are known.
struct TestPathRecipe {
  let domain: HostName
  /// Empty where no configuration was read.
  let servers: Set<MailServerID>

  var blocks: [Page.Block] {
    let own = registeredMailServers.filter { servers.contains($0.id) }
    var recipes = (own.isEmpty ? registeredMailServers : own).map {
      (name: $0.name, text: $0.testPathRecipe(domain: domain))
    }
    if own.isEmpty { recipes.append(("Exchange", exchange)) }
    return [
      .heading("A test path"),
      .paragraph(
        "No test path is declared, so nothing was tried in clear. Declare one with --test-path "
          + "HOST:PORT, or in test_paths of the configuration; --test-path mx tries the destination's "
          + "own host in clear. Or make one:"
      ),
    ]
      + recipes.flatMap { [.heading($0.name), .code($0.text)] as [Page.Block] }
  }

  /// A send connector without TLS: Exchange Management Shell, New-SendConnector and Set-SendConnector.
  private var exchange: String {
    """
    # A send connector for \(domain) alone that never speaks TLS. While it is enabled it carries the
    # real mail of the domain: enable it for the test only.
    New-SendConnector -Name "mailtriage test path" -Usage Custom -AddressSpaces "SMTP:\(domain);1" `
      -DNSRoutingEnabled $true -IgnoreSTARTTLS $true -RequireTLS $false -Enabled $false
    Set-SendConnector "mailtriage test path" -Enabled $true
    # On this host, for which a receive connector there has to relay:
    # mailtriage retry \(domain) --test-path EXCHANGE-HOST:25 --send-probe YOU@\(domain)
    # Afterwards:
    Remove-SendConnector "mailtriage test path" -Confirm:$false
    """
  }
}
