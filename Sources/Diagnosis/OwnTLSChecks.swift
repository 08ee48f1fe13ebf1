package import MailModel

/// What to look at where our own certificate, key or CA bundle is at fault: `openssl` commands with
/// what each shows when all is well. The commands are for OpenSSL 3 and a POSIX shell, and read only;
/// the last makes a new key and a request beside the old ones.
package struct OwnTLSChecks: Hashable, Sendable {
  package struct Check: Hashable, Sendable {
    /// A question.
    package var question: String
    package var command: String
    /// What the answer should be, and what to do where it is another.
    package var answer: String
  }

  /// Assignments that the commands rest on: `cert`, `key`, `ca`, `name`.
  package var settings: [String]
  package var checks: [Check] { OwnTLSChecks.all }

  /// Checks with the paths that `policy` states; what it does not state is to be filled in.
  package init(policy: TLSPolicy?) {
    let certificate = policy?.clientCertificate
    settings = [
      "cert=" + OwnTLSChecks.word(certificate, "/path/to/our-certificate.pem"),
      "key=" + OwnTLSChecks.word(policy?.clientKey ?? certificate, "/path/to/our-key.pem"),
      "ca=" + OwnTLSChecks.word(policy?.caFile, "/etc/ssl/certs/ca-certificates.crt"),
      "name=$(hostname -f)",
    ]
  }

  /// Whether `failureClass`, laid at `responsible`'s door, calls for these checks.
  package static func apply(to failureClass: FailureClass, _ responsible: Responsible) -> Bool {
    failureClass == .localTLSMisconfiguration || failureClass == .clientCertificateRejected
      || (failureClass.isTLS && responsible == .local)
  }

  private static func word(_ path: String?, _ usual: String) -> String {
    OutsideText(path.flatMap { $0.isEmpty ? nil : $0 } ?? usual).shellWord()
  }

  private static let all = [
    Check(
      question: "Is the certificate PEM?",
      command: #"head -n 1 "$cert""#,
      answer: "-----BEGIN CERTIFICATE-----. Where it says PKCS7: openssl pkcs7 -print_certs -in "
        + "\"$cert\" -out new.pem; where it is binary, add -inform DER, or for a plain DER "
        + "certificate: openssl x509 -inform DER -in \"$cert\" -out new.pem"
    ),
    Check(
      question: "Is it in date?",
      command: #"openssl x509 -in "$cert" -noout -dates -checkend 0"#,
      answer: "“Certificate will not expire”; else renew it. A date in the future is a wrong clock."
    ),
    Check(
      question: "Does it carry the name by which others know this host?",
      command: #"openssl x509 -in "$cert" -noout -ext subjectAltName -checkhost "$name""#,
      answer: "“does match certificate”. The name must be the one we say in EHLO and the one that "
        + "our address has in reverse DNS."
    ),
    Check(
      question: "Is it ours, and not the authority's own?",
      command:
        #"openssl x509 -in "$cert" -noout -ext basicConstraints | grep 'CA:TRUE' || echo ours"#,
      answer:
        "“ours”. CA:TRUE: an authority's certificate was installed in place of ours; the file "
        + "must begin with ours."
    ),
    Check(
      question: "Does the key belong to it?",
      command: #"test "$(openssl x509 -in "$cert" -noout -pubkey)" = "#
        + #""$(openssl pkey -in "$key" -pubout)" && echo same || echo different"#,
      answer: "“same”; else the key of another certificate is configured."
    ),
    Check(
      question: "Are key and signature strong enough?",
      command: #"openssl x509 -in "$cert" -noout -text | grep -E 'Public-Key|Signature Algorithm'"#,
      answer: "RSA of 2048 bits or more, or EC of 256; a signature with SHA-256 or better."
    ),
    Check(
      question: "Is the chain whole and in order?",
      command: #"openssl crl2pkcs7 -nocrl -certfile "$cert" | openssl pkcs7 -print_certs -noout"#,
      answer:
        "Ours first; each issuer is the subject below it, up to the one whose issuer is a root. "
        + "A missing step is the authority's intermediate certificate: append it."
    ),
    Check(
      question: "Does the chain end at an authority of our CA bundle?",
      command: #"openssl verify -CAfile "$ca" -untrusted "$cert" "$cert""#,
      answer: "“OK”. Error 20: an intermediate is missing from the chain, or the bundle lacks the "
        + "root (update-ca-certificates; a chroot needs its own copy)."
    ),
    Check(
      question: "A new key and a request (PKCS #10) for the authority",
      command: #"umask 077; openssl req -new -newkey rsa:3072 -noenc -keyout new-key.pem "#
        + #"-out new.csr -subj "/CN=$name" -addext "subjectAltName=DNS:$name""#,
      answer: "openssl req -in new.csr -noout -verify -text shows what is asked for."
    ),
  ]
}
