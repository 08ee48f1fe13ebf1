package import MailModel

/// OpenSMTPD, as far as its configuration goes.
package struct OpenSMTPD: ConfigurationReader {
  package let id = MailServerID("opensmtpd")

  package init() {}

  package func isConfiguration(_ file: ConfigurationFile) -> Bool {
    OpenSMTPDConfiguration.isOne(file)
  }

  package func readConfiguration(_ files: [ConfigurationFile]) -> any MailServerConfiguration {
    OpenSMTPDConfiguration(files)
  }
}
