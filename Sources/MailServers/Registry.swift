package import MailModel

/// The mail servers that mailtriage knows, in the order in which they are asked.
package let registeredMailServers: [any MailServer] = [Postfix(), Exim(), Sendmail()]

/// All whose configuration can be read: the mail servers, and those of which nothing else is known.
package let registeredConfigurationReaders: [any ConfigurationReader] =
  registeredMailServers + [OpenSMTPD()]
