package import Foundation

/// Headless Chromium, for what only a browser can tell of a page.
package enum Browser {
  /// What a page is like at one width.
  package struct Measure: Decodable, Sendable {
    package struct Seen: Decodable, Sendable {
      package var texts: Int
      package var cells: Int
      package var graphics: Int
      package var names: Int
      /// Tables that do not fit and are moved by hand.
      package var scrolling: Int
    }

    package var width: Int
    package var dark: Bool
    package var faults: [String]
    package var fetched: [String]
    package var seen: Seen
  }

  package struct Failure: Error, CustomStringConvertible {
    package var description: String
  }

  package static let path = "/usr/bin/chromium"

  /// Measures `page` at each of `widths`. The script runs in a copy whose policy allows it and nothing
  /// more than before. Throws ``Failure`` where the browser does not answer.
  package static func measure(_ page: String, widths: [Int], dark: Bool) throws -> [Measure] {
    let place = try Place()
    let policy = "default-src 'none'; "
    guard page.contains(policy), let head = page.range(of: "<head>") else {
      throw Failure(description: "the page has no policy")
    }
    var copy = page
    copy.insert(contentsOf: "<script>\(pageMeasure)</script>", at: head.upperBound)
    copy = copy.replacing(policy, with: policy + "script-src 'unsafe-inline'; ")
    try place.write("report.html", copy)
    let frames = widths.map {
      "<iframe width=\"\($0)\" height=\"900\" style=\"border:0\" src=\"report.html\"></iframe>"
    }.joined()
    let around = try place.write(
      "around.html",
      """
      <!DOCTYPE html><body style="margin:0"><script>
      addEventListener('message', e => {
        const line = document.createElement('pre');
        line.className = 'measure';
        line.textContent = btoa(unescape(encodeURIComponent(e.data)));
        document.body.append(line);
      });
      </script>\(frames)
      """
    )
    let dump = try run(
      ["--dump-dom", "--window-size=1400,900", "--virtual-time-budget=30000"],
      dark,
      around,
      place
    ).output
    let measures = dump.split(separator: "<pre class=\"measure\">").dropFirst().compactMap {
      Data(base64Encoded: String($0.prefix { $0 != "<" }))
    }
    guard measures.count == widths.count else {
      throw Failure(
        description: "\(measures.count) measures of \(widths.count): \(dump.suffix(400))"
      )
    }
    return try measures.map { try JSONDecoder().decode(Measure.self, from: $0) }
      .sorted { $0.width > $1.width }
  }

  /// Opens the page as it is; the browser's console lines and a picture of it.
  package static func open(_ page: String, dark: Bool) throws -> (console: [String], picture: Data)
  {
    let place = try Place()
    let file = try place.write("report.html", page)
    let picture = place.path + "/page.png"
    let said = try run(
      ["--screenshot=\(picture)", "--window-size=1280,1600", "--enable-logging=stderr"],
      dark,
      file,
      place
    )
    return (
      said.errors.split(separator: "\n").map(String.init).filter { $0.contains("CONSOLE") },
      try Data(contentsOf: URL(fileURLWithPath: picture))
    )
  }

  private static func run(
    _ arguments: [String],
    _ dark: Bool,
    _ file: String,
    _ place: Place
  ) throws -> (output: String, errors: String) {
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw Failure(description: "\(path) is missing: make test-deps installs it")
    }
    let process = Process()
    // Ended after two minutes: a browser that hangs is a failure, not a wait.
    process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
    process.arguments =
      [
        "-k", "5", "120", path, "--headless=new", "--no-sandbox", "--disable-gpu",
        "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
        "--disable-background-networking", "--disable-component-update",
        "--user-data-dir=\(place.path)/profile", "--allow-file-access-from-files",
        "--blink-settings=preferredColorScheme=\(dark ? 0 : 1)",
      ] + arguments + ["file://\(file)"]
    let output = try place.write("output", "")
    let errors = try place.write("errors", "")
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    func text(_ path: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }
    return (try text(output), try text(errors))
  }

  /// A directory that is gone when nobody holds it.
  private final class Place {
    let path = NSTemporaryDirectory() + "browser-\(UUID().uuidString)"

    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
      let file = path + "/" + name
      try Data(text.utf8).write(to: URL(fileURLWithPath: file))
      return file
    }
  }
}
