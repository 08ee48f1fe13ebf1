import Alerting
import FoundationEssentials
import MailModel
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// An HTTP receiver on loopback that keeps the body of each POST as a line of a file.
private final class Receiver {
  let port: Int
  let bodies: String
  private let process: pid_t

  init(in directory: ScriptDirectory) async throws {
    let program = """
      import http.server, sys
      class H(http.server.BaseHTTPRequestHandler):
          def do_POST(self):
              body = self.rfile.read(int(self.headers['Content-Length']))
              open(sys.argv[1] + '/bodies', 'ab').write(body + b'\\n')
              self.send_response(202); self.end_headers()
          def log_message(self, *a): pass
      s = http.server.HTTPServer(('127.0.0.1', 0), H)
      open(sys.argv[1] + '/port.new', 'w').write(str(s.server_port))
      import os; os.rename(sys.argv[1] + '/port.new', sys.argv[1] + '/port')
      s.serve_forever()
      """
    bodies = directory.path + "/bodies"
    var child = pid_t()
    let words: [String] = ["python3", "-c", program, directory.path]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    let status = posix_spawnp(&child, "python3", nil, nil, &arguments, environ)
    try #require(status == 0)
    process = child
    var found: Int?
    for _ in 0..<200 where found == nil {
      found = directory.read("port").flatMap { Int($0) }
      if found == nil { try await Task.sleep(for: .milliseconds(50)) }
    }
    port = try #require(found)
  }

  var received: [String] {
    FileManager.default.contents(atPath: bodies).map {
      String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init)
    } ?? []
  }

  deinit {
    kill(process, SIGKILL)
    waitpid(process, nil, 0)
  }
}

/// Each shipped hook takes a firing and its end, with text made to break it.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ExampleHookTests {
  private static let hooks = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Examples/hooks").path

  private static let hostile =
    #"7 messages to "x.example" wait \ $(touch /tmp/owned) `id` '; -- %s %n"#
    + "\r\nBcc: a@b.example"

  private func alert(_ state: AlertState) -> Alert {
    Alert(
      id: "new-incident-00112233aabbccdd",
      state: state,
      condition: AlertCondition(
        key: "k",
        rule: .newIncident,
        severity: .critical,
        destination: "x.example",
        failureClass: .certificateSelfSigned,
        count: 7,
        firstSeen: Timestamp(seconds: 1_772_442_845),
        fixBy: Timestamp(seconds: 1_772_500_000),
        summary: ExampleHookTests.hostile,
        remedy: "Pin the certificate"
      )
    )
  }

  private func run(_ hook: String, _ state: AlertState, _ settings: [String: String]) async
    -> HookOutcome
  {
    var environment = settings
    environment["PATH"] = "/usr/local/bin:/usr/bin:/bin"
    return await HookRunner(
      executable: ExampleHookTests.hooks + "/" + hook,
      timeout: .seconds(600),
      inheritedEnvironment: environment
    ).run(alert(state))
  }

  @Test func `mail keeps the alert's text out of the headers`() async throws {
    let directory = try ScriptDirectory()
    let sendmail = try directory.script(
      "printf '%s\\n' \"$@\" > '\(directory.path)/arguments'; cat > '\(directory.path)/message'"
    )
    let outcome = await run(
      "mail",
      .firing,
      ["MAILTRIAGE_SENDMAIL": sendmail, "MAILTRIAGE_MAIL_TO": "ops@x.example"]
    )
    #expect(outcome == .taken)
    let message = try #require(directory.read("message"))
    let header = try #require(message.split(separator: "\n\n", maxSplits: 1).first)
    #expect(header.contains("Subject: [mailtriage] firing: 7 messages"))
    #expect(!header.split(separator: "\n").contains { $0.hasPrefix("Bcc:") })
    #expect(message.contains("Remedy:      Pin the certificate"))
    #expect(directory.read("arguments")?.hasSuffix("--\nops@x.example\n") == true)
  }

  @Test func `chat-webhook posts one JSON text`() async throws {
    let directory = try ScriptDirectory()
    let receiver = try await Receiver(in: directory)
    let settings = ["MAILTRIAGE_WEBHOOK_URL": "http://127.0.0.1:\(receiver.port)/hook"]
    #expect(await run("chat-webhook", .firing, settings) == .taken)
    struct Post: Decodable { var text: String }
    let body = try #require(receiver.received.first)
    let post = try JSONDecoder().decode(Post.self, from: Data(body.utf8))
    #expect(post.text.hasPrefix("[critical] firing: 7 messages to \"x.example\" wait \\ $(touch"))
    #expect(post.text.contains("Fix by 2026-03-03T01:06:40Z."))
  }

  @Test func `chat-webhook that nobody answers is not taken`() async throws {
    let settings = ["MAILTRIAGE_WEBHOOK_URL": "http://127.0.0.1:9/hook"]
    #expect(await run("chat-webhook", .firing, settings) == .exited(7))
    #expect(await run("chat-webhook", .firing, [:]) != .taken)
  }

  @Test func `pager-events triggers and resolves under one key`() async throws {
    let directory = try ScriptDirectory()
    let receiver = try await Receiver(in: directory)
    let settings = [
      "MAILTRIAGE_ROUTING_KEY": "k\"1",
      "MAILTRIAGE_EVENTS_URL": "http://127.0.0.1:\(receiver.port)/",
    ]
    for state in AlertState.allCases {
      #expect(await run("pager-events", state, settings) == .taken)
    }
    struct Event: Decodable {
      struct Payload: Decodable { var summary: String, severity: String }
      var routing_key: String, event_action: String, dedup_key: String
      var payload: Payload
    }
    let events = try receiver.received.map {
      try JSONDecoder().decode(Event.self, from: Data($0.utf8))
    }
    #expect(events.map(\.event_action) == ["trigger", "resolve", "resolve"])
    #expect(Set(events.map(\.dedup_key)) == ["new-incident-00112233aabbccdd"])
    #expect(events.allSatisfy { $0.routing_key == "k\"1" && $0.payload.severity == "critical" })
  }

  @Test func `syslog writes one line at a fitting level`() async throws {
    let directory = try ScriptDirectory()
    let logger = try directory.script("printf '%s\\n' \"$@\" >> '\(directory.path)/lines'")
    #expect(await run("syslog", .firing, ["MAILTRIAGE_LOGGER": logger]) == .taken)
    #expect(await run("syslog", .resolved, ["MAILTRIAGE_LOGGER": logger]) == .taken)
    let lines = try #require(directory.read("lines")).split(separator: "\n")
    #expect(lines.filter { $0.hasPrefix("mail.") } == ["mail.crit", "mail.notice"])
    #expect(lines.filter { $0.hasPrefix("id=new-incident-00112233aabbccdd state=") }.count == 2)
  }

  @Test func `ticket-file opens one file and closes it`() async throws {
    let directory = try ScriptDirectory()
    let settings = ["MAILTRIAGE_TICKET_DIR": directory.path + "/tickets"]
    let name = "new-incident-00112233aabbccdd.json"
    for _ in 0..<2 { #expect(await run("ticket-file", .firing, settings) == .taken) }
    #expect(directory.read("tickets/" + name)?.contains("certificate-self-signed") == true)
    for _ in 0..<2 { #expect(await run("ticket-file", .endedInBounces, settings) == .taken) }
    #expect(directory.read("tickets/" + name) == nil)
    #expect(directory.read("tickets/closed/" + name)?.contains("ended-in-bounces") == true)
  }
}
