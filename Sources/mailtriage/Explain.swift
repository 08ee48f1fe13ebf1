import ArgumentParser
import Diagnosis
import FoundationEssentials
import Glibc
import MailModel
import MailServers
import Reporting

/// `mailtriage explain`: what single lines mean and who must act.
struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Says what log lines, SMTP replies or an NDR mean and who must act.",
    discussion: """
      Lines come as arguments, or one a line on standard input.

      Examples:
        mailtriage explain '403 4.7.0 TLS handshake failed.'
        grep status=deferred /var/log/mail.log | mailtriage explain --format json
        mailtriage explain --ndr < returned.eml
      """
  )

  @Argument(help: "Lines to explain; without one, standard input is read.")
  var lines: [String] = []

  @Flag(help: "The input is one whole non-delivery report.")
  var ndr = false

  @OptionGroup(title: "Answer") var options: ResultOptions
  @OptionGroup(visibility: .hidden) var unused: SourceOptions

  func run() throws {
    try refusing {
      if let path = options.config { _ = try Settings.readConfiguration(path) }
      let explainer = LineExplainer(servers: registeredMailServers)
      let given = try lines.isEmpty ? readInput() : lines.joined(separator: "\n")
      let asked =
        ndr
        ? [NDRText(given).diagnosis(by: explainer)]
        : lines.isEmpty ? Explain.linesOf(given) : lines
      let sink = try ResultSink(options.output)
      try write(asked, explainer, to: sink)
      try sink.finish()
    }
  }

  /// One text per line, line ends (LF or CRLF) removed; the end of input ends the last line.
  static func linesOf(_ text: String) -> [String] {
    var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { line in
      let body = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      return String(decoding: body, as: UTF8.self)
    }
  }

  /// More of standard input is not read.
  private static let largestInput = 64 << 20

  private func readInput() throws -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(0, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw Refusal(.inputOutput, "standard input: \(String(cString: strerror(errno)))")
      }
      if count == 0 { break }
      guard bytes.count + count <= Explain.largestInput else {
        throw Refusal(.inputNotValid, "standard input: more than 64 MiB; analyze reads whole logs")
      }
      bytes.append(contentsOf: chunk[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func write(
    _ lines: [String],
    _ explainer: LineExplainer,
    to sink: ResultSink
  ) throws {
    let redaction = Redaction(isOn: options.redact)
    var blocks: [Page.Block] = []
    for line in lines {
      let explanation = explainer.explain(line)
      let document = ExplanationDocument(line: redaction.apply(line), explanation)
      switch options.format {
      case .json:
        let json = String(decoding: try JSONEncoder.plain.encode(document), as: UTF8.self)
        try sink.write(OutsideText(json).json() + "\n")
      case .markdown: try sink.write(document.markdown)
      case .text: try sink.write(options.verbose ? document.verboseText : document.text)
      case .html: blocks += document.blocks
      }
    }
    if options.format == .html {
      try sink.write(try Page(title: "mailtriage explain", blocks).html())
    }
  }
}

/// One explained line as `explain --format json` gives it.
struct ExplanationDocument: Encodable {
  var line: String
  var mta: String?
  var tls: Bool
  var `class`: String?
  var rfc8460: String?
  var side: String?
  var responsible: String?
  var confidence: Double
  var meaning: String
  var remedies: [String]

  init(line: String, _ explanation: LineExplanation) {
    let found = explanation.classification
    self.line = line
    mta = explanation.mta
    tls = explanation.isTLS
    `class` = found?.failureClass?.rawValue
    rfc8460 = found?.failureClass?.rfc8460
    side = explanation.side?.rawValue
    responsible = found.map { $0.responsible.rawValue }
    confidence = found?.confidence ?? 0.6
    meaning = found?.meaning ?? "This line reports no failure."
    remedies = found?.failureClass.map { Advice.sentences(for: $0) } ?? []
  }

  private enum CodingKeys: String, CodingKey {
    case line, mta, tls, `class`, rfc8460, side, responsible, confidence, meaning, remedies
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(line, forKey: .line)
    try values.encode(mta, forKey: .mta)
    try values.encode(tls, forKey: .tls)
    try values.encode(`class`, forKey: .class)
    try values.encode(rfc8460, forKey: .rfc8460)
    try values.encode(side, forKey: .side)
    try values.encode(responsible, forKey: .responsible)
    try values.encode(confidence, forKey: .confidence)
    try values.encode(meaning, forKey: .meaning)
    try values.encode(remedies, forKey: .remedies)
  }

  /// The text, and what the server and TLS-RPT call it.
  var verboseText: String {
    let facts = [
      mta.map { "written by \($0)" }, side.map { "\($0) side" },
      rfc8460.map { "RFC 8460 result type \($0)" },
    ].compactMap { $0 }
    guard !facts.isEmpty else { return text }
    return text.dropLast() + "  (\(facts.joined(separator: ", ")))\n\n"
  }

  var text: String {
    let shown = OutsideText(line).terminal(limit: 300)
    guard let `class` else { return "\(shown)\n  \(meaning)\n\n" }
    let who = responsible.map { "must act: \($0)" } ?? ""
    let steps = remedies.map { "  - \($0)\n" }.joined()
    return
      "\(shown)\n  \(`class`), \(who), confidence \(Int((confidence * 100).rounded())) %\n  \(meaning)\n\(steps)\n"
  }

  var blocks: [Page.Block] {
    guard let `class` else { return [.code(line), .paragraph(meaning)] }
    let verdict = "\(`class`), must act: \(responsible ?? "unknown")"
    return [.code(line), .heading(verdict), .paragraph(meaning)] + remedies.map { .item($0) }
  }

  var markdown: String {
    let shown = OutsideText(line).markdown(limit: 300)
    guard let `class` else { return "> \(shown)\n\n\(meaning)\n\n" }
    let steps = remedies.map { "- \($0)\n" }.joined()
    return
      "> \(shown)\n\n**\(`class`)** (must act: \(responsible ?? "unknown")): \(meaning)\n\n\(steps)\n"
  }
}
