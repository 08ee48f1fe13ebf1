import Foundation
import Testing

@testable import mailtriage

struct ConfigurationTests {
  private func read(_ yaml: String, environment: [String: String] = [:]) -> ConfigurationReader {
    var reader = ConfigurationReader()
    reader.read(yaml: yaml, path: "mailtriage.yaml")
    reader.read(environment: environment)
    return reader
  }

  @Test func `the documented sample is right and names every key`() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let sample = try String(
      contentsOf: root.appending(path: "Examples/mailtriage.yaml"),
      encoding: .utf8
    )
    let reader = read(sample)
    #expect(reader.faults == [])
    #expect(reader.configuration.alert == Configuration.AlertSettings(hook: "/etc/mailtriage/hook"))
    #expect(reader.configuration.testPaths["example.com"] == "mx")
    for key in ConfigurationKey.all {
      let last = try #require(key.name.split(separator: ".").last)
      #expect(sample.contains("\(last):"), "\(key.name) is not in the sample")
    }
  }

  @Test(arguments: [
    ("databse: /x\n", "mailtriage.yaml:1: unknown key `databse`; did you mean `database`?"),
    (
      "alert:\n  timeout: soon\n",
      "mailtriage.yaml:2: `alert.timeout`: \"soon\" is not a length such as 30s, 15m, 6h or 2d"
    ),
    (
      "alert:\n  ndr_wave: -3\n",
      "mailtriage.yaml:2: `alert.ndr_wave`: \"-3\" is not a whole number, 0 or more"
    ),
    (
      "alert: loud\n",
      "mailtriage.yaml:1: `alert` must hold keys, one a line, such as `database: /path`"
    ),
    (
      "test_paths:\n  example.com: localhost\n",
      "mailtriage.yaml:2: `test_paths.example.com`: expected HOST:PORT or mx"
    ),
    (
      "test_paths:\n  \"exa mple\": mx\n",
      "mailtriage.yaml:2: `test_paths`: a destination must be a domain name"
    ),
    ("spools: [/a, [b]]\n", "mailtriage.yaml:1: `spools`: expected a path or a list of paths"),
    (
      "report:\n  redact: perhaps\n",
      "mailtriage.yaml:2: `report.redact`: \"perhaps\" is not true or false"
    ),
    (
      "timezone: Mars/Olympus\n",
      "mailtriage.yaml:1: `timezone`: \"Mars/Olympus\" is not a time zone such as Europe/Berlin, UTC or "
        + "+01:00"
    ),
    (
      "resolver: dns.example:53\n",
      "mailtriage.yaml:1: `resolver`: \"dns.example:53\" is not a numeric address such as 192.0.2.53, "
        + "or ADDRESS:PORT"
    ),
    (
      "resolver: 192.0.2.53:70000\n",
      "mailtriage.yaml:1: `resolver`: \"192.0.2.53:70000\" is not a numeric address such as "
        + "192.0.2.53, or ADDRESS:PORT"
    ),
    (
      "- a\n- b\n",
      "mailtriage.yaml:1: the file must hold keys, one a line, such as `database: /path`"
    ),
  ])
  func `a fault is named with its line and what was expected`(_ yaml: String, _ fault: String) {
    #expect(read(yaml).faults.map(\.description) == [fault])
  }

  @Test func `text that is no YAML is named with its line`() throws {
    let faults = read("database: /x\nalert: [\n").faults
    #expect(faults.count == 1)
    #expect(try #require(faults.first?.line) >= 2)
  }

  @Test func `every fault is found, not just the first`() {
    let faults = read("a: 1\nb: 2\nalert:\n  settle: x\n  hok: /h\n").faults
    #expect(faults.map(\.line) == [1, 2, 4, 5])
  }

  @Test func `the environment overrides the file`() {
    let reader = read(
      "database: /file\nalert:\n  timeout: 10s\n",
      environment: [
        "MAILTRIAGE_DATABASE": "/environment", "MAILTRIAGE_SPOOLS": "/a:/b",
        "MAILTRIAGE_ALERT_SETTLE": "1h", "UNRELATED": "x",
      ]
    )
    #expect(reader.faults == [])
    #expect(reader.configuration.database == "/environment")
    #expect(reader.configuration.spools == ["/a", "/b"])
    #expect(reader.configuration.alert.timeout == 10)
    #expect(reader.configuration.alert.settle == 3600)
  }

  @Test func `a wrong variable is named`() {
    let reader = read("", environment: ["MAILTRIAGE_ALERT_TIMEOUT": "never"])
    #expect(reader.faults.first?.place == "MAILTRIAGE_ALERT_TIMEOUT")
  }

  @Test(arguments: [("90", 90), ("30s", 30), ("15m", 900), ("1.5h", 5400), ("2d", 172_800)])
  func `reads lengths`(_ text: String, _ seconds: Double) {
    #expect(ConfigurationReader.seconds(text) == seconds)
  }

  @Test(arguments: ["", "-1s", "s", "1y", "1e999", "nan", "inf"])
  func `refuses what is no length`(_ text: String) {
    #expect(ConfigurationReader.seconds(text) == nil)
  }

  @Test(arguments: ["mx", "relay.example:25", "127.0.0.1:2525", "[::1]:25"])
  func `accepts test paths`(_ text: String) { #expect(ConfigurationReader.isTestPath(text)) }

  @Test(arguments: ["", "relay", "relay:0", "relay:70000", ":25", "a b:25", "$(x):25", "[x]:25"])
  func `refuses other test paths`(_ text: String) {
    #expect(!ConfigurationReader.isTestPath(text))
  }
}
