import ArgumentParser
import Diagnosis
import FoundationEssentials
import Glibc
import MailModel
import Reporting
import Triage

/// `mailtriage remedy DESTINATION`: the least change that lets its mail flow.
struct RemedyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remedy",
    abstract: "Shows the least change that lets a destination's mail flow, as configuration.",
    discussion: """
      Changes nothing: what it shows is yours to apply. What would weaken a promise is refused.

      Examples:
        mailtriage remedy example.com --mta-config /etc/postfix/main.cf
        mailtriage remedy example.com --write ./remedy
      """
  )

  @Argument(help: "The destination's domain.")
  var destination: String

  @OptionGroup var options: SharedOptions

  @Option(help: ArgumentHelp("Write each remedy to a file of its own there.", valueName: "dir"))
  var write: String?

  func run() throws {
    try refusing {
      let session = try Session(options)
      guard let domain = HostName(destination) else {
        throw Refusal(.usage, "\(destination): not a domain name")
      }
      let analysis = try session.analysis()
      guard let found = analysis.destinations.first(where: { $0.domain == domain.description })
      else {
        throw Refusal(
          .noInput,
          "\(domain): nothing is known of it in \(session.settings.databasePath); analyze its log "
            + "first, or name another --database"
        )
      }
      let policies = session.settings.configurations.compactMap {
        $0.tlsPolicy(
          domain: found.domain,
          nextHop: found.history.nextHops.first.map(IncidentFinder.hostName)
        )
      }
      let answer = RemedyPage(found, policy: policies.first, zone: session.settings.zone)
      switch options.format {
      case .json: try session.write(answer.json)
      default: try session.write(answer.page, width: TriagePage.columns)
      }
      if let write { try writeFiles(answer, to: write) }
      try session.finish()
    }
  }

  /// `remedy.txt`, the notice, and each configuration that may be used.
  private func writeFiles(_ answer: RemedyPage, to directory: String) throws {
    if mkdir(directory, 0o755) != 0, errno != EEXIST {
      throw Refusal(.cannotCreate, "\(directory): \(String(cString: strerror(errno)))")
    }
    var files = [("remedy.txt", answer.page.text(width: TriagePage.columns, ink: .none))]
    if let notice = answer.notice { files.append(("notice.txt", notice + "\n")) }
    for (index, remedy) in answer.usable.enumerated() where !remedy.configuration.isEmpty {
      files.append(
        ("\(index + 1)-\(remedy.rung?.rawValue ?? "advice").conf", remedy.configuration + "\n")
      )
    }
    for (name, text) in files {
      let path = "\(directory)/\(name)"
      let sink = try ResultSink(path)
      try sink.write(text)
      try sink.finish()
      if !options.quiet { complain("wrote \(path)") }
    }
  }
}
