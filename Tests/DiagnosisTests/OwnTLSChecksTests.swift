import Diagnosis
import Foundation
import MailModel
import Testing

/// The checks of our own set-up, run by a shell with the real `openssl` over certificates that have
/// the fault which each is for.
@Suite struct OwnTLSChecksTests {
  /// Makes an authority, an intermediate, and certificates with one fault each.
  private static let making = #"""
    set -e
    ext() { printf 'basicConstraints=critical,CA:%s\nsubjectAltName=DNS:%s\n' "$1" "$2"; }
    sign() { # NAME CA DAYS IS_CA HOST
      openssl req -new -newkey rsa:2048 -noenc -keyout "$1.key" -out "$1.csr" -subj "/CN=$5"
      ext "$4" "$5" > "$1.ext"
      openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -days "$3" -extfile "$1.ext" \
        -out "$1.pem"
    }
    openssl req -x509 -newkey rsa:2048 -noenc -keyout root.key -out root.pem -subj /CN=root -days 30
    sign middle root 30 TRUE middle.example
    sign own middle 30 FALSE mail.example
    sign short middle 30 FALSE mail.example
    openssl x509 -req -in short.csr -CA middle.pem -CAkey middle.key -days 0 -extfile short.ext \
      -out short.pem
    cat own.pem middle.pem > good.pem
    cp own.pem alone.pem
    cat middle.pem own.pem > swapped.pem
    openssl x509 -in own.pem -outform DER -out der.pem
    openssl crl2pkcs7 -nocrl -certfile good.pem -out p7.pem
    """#

  private struct Shell {
    let place = NSTemporaryDirectory() + "own-\(UUID().uuidString)"

    init() throws {
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      #expect(try run(OwnTLSChecksTests.making).status == 0)
    }

    func run(_ script: String) throws -> (output: String, status: Int32) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", script]
      process.currentDirectoryURL = URL(fileURLWithPath: place)
      let output = Pipe()
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      try process.run()
      let said = try output.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return (String(decoding: said, as: UTF8.self), process.terminationStatus)
    }
  }

  @Test func `each check tells a good set-up from the fault that it is for`() throws {
    let shell = try Shell()
    defer { try? FileManager.default.removeItem(atPath: shell.place) }
    func answer(_ question: String, _ certificate: String, key: String = "own.key") throws -> String
    {
      let policy = TLSPolicy(
        level: .encrypt,
        origin: .everyone,
        caFile: "root.pem",
        clientCertificate: certificate,
        clientKey: key
      )
      let checks = OwnTLSChecks(policy: policy)
      let check = try #require(checks.checks.first { $0.question.contains(question) })
      let settings = checks.settings.filter { !$0.hasPrefix("name=") } + ["name=mail.example"]
      return try shell.run((settings + [check.command]).joined(separator: "\n")).output
    }
    #expect(try answer("PEM", "good.pem").contains("BEGIN CERTIFICATE"))
    #expect(try answer("PEM", "p7.pem").contains("PKCS7"))
    #expect(!(try answer("PEM", "der.pem")).contains("BEGIN"))
    #expect(try answer("in date", "good.pem").contains("will not expire"))
    #expect(!(try answer("in date", "short.pem")).contains("will not expire"))
    #expect(try answer("name", "good.pem").contains("does match certificate"))
    #expect(try answer("name", "middle.pem").contains("does NOT match certificate"))
    #expect(try answer("ours", "good.pem").contains("ours"))
    #expect(try answer("ours", "swapped.pem").contains("CA:TRUE"))
    #expect(try answer("key belong", "good.pem").contains("same"))
    #expect(try answer("key belong", "good.pem", key: "middle.key").contains("different"))
    #expect(try answer("strong", "good.pem").contains("2048 bit"))
    let chain = try answer("in order", "good.pem")
    #expect(chain.components(separatedBy: "subject=").count == 3)
    #expect(try answer("CA bundle", "good.pem").contains("OK"))
    #expect(!(try answer("CA bundle", "alone.pem")).contains("OK"))
    _ = try answer("request", "good.pem")
    let request = try shell.run(
      "openssl req -in new.csr -noout -verify -text 2>&1; stat -c %a new-key.pem"
    )
    #expect(request.output.contains("DNS:mail.example") && request.output.contains("600"))
  }

  @Test func `the repairs that the answers name work`() throws {
    let shell = try Shell()
    defer { try? FileManager.default.removeItem(atPath: shell.place) }
    let check = try #require(OwnTLSChecks(policy: nil).checks.first)
    for (file, command) in [
      ("p7.pem", "openssl pkcs7 -print_certs -in \"$cert\" -out new.pem"),
      ("der.pem", "openssl x509 -inform DER -in \"$cert\" -out new.pem"),
    ] {
      #expect(check.answer.contains(command))
      #expect(try shell.run("rm -f new.pem; cert=\(file); \(command)").status == 0)
      #expect(
        try shell.run("openssl x509 -in new.pem -noout -subject").output.contains("mail.example")
      )
    }
  }

  @Test func `a path with blanks or quotes stays one word`() {
    let policy = TLSPolicy(
      level: .may,
      origin: .everyone,
      clientCertificate: "/etc/my certs/a'b;rm -rf.pem"
    )
    #expect(OwnTLSChecks(policy: policy).settings[0] == "cert='/etc/my certs/a'\\''b;rm -rf.pem'")
  }

  @Test(arguments: [
    (FailureClass.localTLSMisconfiguration, Responsible.local, true),
    (.clientCertificateRejected, .remote, true), (.certificateExpired, .local, true),
    (.certificateExpired, .remote, false), (.mailboxFull, .local, false),
  ])
  func `they are shown where the fault may be ours`(
    _ failureClass: FailureClass,
    _ responsible: Responsible,
    _ shown: Bool
  ) {
    #expect(OwnTLSChecks.apply(to: failureClass, responsible) == shown)
  }
}
