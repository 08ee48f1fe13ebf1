package import MailModel

/// The mail servers that mailtriage knows, in the order in which they are asked.
package let registeredMailServers: [any MailServer] = [Postfix(), Exim(), Sendmail()]
