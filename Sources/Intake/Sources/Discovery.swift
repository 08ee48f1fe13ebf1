import FoundationEssentials
import Glibc
package import MailModel

/// One input that was found.
package struct FoundInput: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case file
    /// A queue directory of that server.
    case queue(MailServerID)
    case standardInput
    /// A FIFO or device that the operator named.
    case pipe
    case journal
  }

  package var path: String
  package var kind: Kind
  /// Named by the operator, as against met in a directory: then it must be what it claims to be.
  package var isNamed: Bool
}

/// What is wrong with an input, with what the exit status needs to know.
package struct InputTrouble: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case missing
    case permission
    case inputOutput
    /// Not what it claims to be: damaged, cut short, no mail log.
    case content
    /// Worth saying to everybody, and no fault.
    case warning
    /// Worth saying to who asks, and no fault.
    case note

    /// The status does not tell of it.
    package var isHarmless: Bool { self == .warning || self == .note }
  }

  package var kind: Kind
  package var trouble: ReadTrouble

  package init(_ kind: Kind, path: String, offset: Int64? = nil, _ reason: String) {
    self.kind = kind
    trouble = ReadTrouble(path: path, offset: offset, reason: reason)
  }

  /// What a queue's reader met.
  init(_ trouble: ReadTrouble) {
    kind =
      switch trouble.nature {
      case .content: .content
      case .permission: .permission
      case .inputOutput: .inputOutput
      case .remark: .note
      case .advice: .warning
      }
    self.trouble = trouble
  }
}

/// Turns what the operator named into inputs: files, directories walked, queues, pipes.
package struct Discovery {
  private let servers: [any MailServer]
  package private(set) var inputs: [FoundInput] = []
  package private(set) var troubles: [InputTrouble] = []
  private var visited: Set<String> = []
  private var isFull = false

  /// Directories deeper than this are not walked.
  static let deepest = 24
  /// Files taken from directories at most.
  static let most = 100_000

  package init(servers: [any MailServer]) { self.servers = servers }

  /// Adds what `path` stands for.
  package mutating func add(_ path: String) {
    if path == "-" {
      inputs.append(FoundInput(path: "-", kind: .standardInput, isNamed: true))
      return
    }
    if path.hasPrefix("journal:") {
      let place = String(path.dropFirst("journal:".count))
      guard place.isEmpty || access(place, F_OK) == 0 else {
        troubles.append(InputTrouble(.missing, path: path, "no such journal"))
        return
      }
      inputs.append(FoundInput(path: path, kind: .journal, isNamed: true))
      return
    }
    guard let resolved = Discovery.resolve(path) else {
      let code = errno
      let kind: InputTrouble.Kind = code == EACCES ? .permission : .missing
      troubles.append(
        InputTrouble(
          kind,
          path: path,
          code == ELOOP ? "a loop of symbolic links" : String(cString: strerror(code))
        )
      )
      return
    }
    visit(resolved, shown: path, depth: 0, isNamed: true)
  }

  /// Adds a queue directory that the operator named as one.
  package mutating func addQueue(_ path: String) {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    if let server = servers.first(where: { $0.isQueue(directory: path, entries: entries) }) {
      inputs.append(FoundInput(path: path, kind: .queue(server.id), isNamed: true))
    } else if access(path, F_OK) != 0 {
      troubles.append(InputTrouble(.missing, path: path, "no such directory"))
    } else if access(path, R_OK | X_OK) != 0 {
      troubles.append(InputTrouble(.permission, path: path, "no permission to read the directory"))
    } else {
      // The queue may lie one level down, as in an unpacked copy.
      let before = inputs.count
      visit(path, shown: path, depth: Discovery.deepest - 2, isNamed: false, queuesOnly: true)
      if inputs.count == before {
        troubles.append(
          InputTrouble(.content, path: path, "not the queue of a mail server that is known here")
        )
      }
    }
  }

  private static func resolve(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private mutating func visit(
    _ path: String,
    shown: String,
    depth: Int,
    isNamed: Bool,
    queuesOnly: Bool = false
  ) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      let code = errno
      if isNamed {
        troubles.append(InputTrouble(.missing, path: shown, String(cString: strerror(code))))
      } else if path.unicodeScalars.contains("\u{fffd}") {
        troubles.append(
          InputTrouble(
            .content,
            path: shown,
            "its name is no UTF-8, so that it cannot be opened: give it another name"
          )
        )
      }
      // Else it is gone since the directory was listed: nothing to say.
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      guard !queuesOnly, status.st_size > 0 || isNamed else { return }
      if inputs.count < Discovery.most {
        inputs.append(FoundInput(path: path, kind: .file, isNamed: isNamed))
      } else if inputs.count == Discovery.most, !isFull {
        isFull = true
        troubles.append(
          InputTrouble(
            .inputOutput,
            path: shown,
            "more than \(Discovery.most) files: this one and those behind it are not read"
          )
        )
      }
    case S_IFDIR:
      guard visited.insert("\(status.st_dev):\(status.st_ino)").inserted else { return }
      walk(path, shown: shown, depth: depth, isNamed: isNamed, queuesOnly: queuesOnly)
    case S_IFIFO, S_IFCHR:
      // Only what the operator names: reading a FIFO met in a directory would wait for ever.
      if isNamed { inputs.append(FoundInput(path: path, kind: .pipe, isNamed: true)) }
    case S_IFLNK:
      // A link met in a directory is followed to a file or directory once.
      guard !queuesOnly, let target = Discovery.resolve(path) else { return }
      visit(target, shown: path, depth: depth, isNamed: false)
    default:
      guard isNamed else { return }
      troubles.append(
        InputTrouble(.content, path: shown, "a socket or block device, not a log")
      )
    }
  }

  private mutating func walk(
    _ path: String,
    shown: String,
    depth: Int,
    isNamed: Bool,
    queuesOnly: Bool
  ) {
    guard depth < Discovery.deepest else { return }
    let entries: [String]
    do {
      entries = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    } catch {
      troubles.append(
        InputTrouble(
          access(path, R_OK | X_OK) == 0 ? .inputOutput : .permission,
          path: shown,
          "the directory cannot be read"
        )
      )
      return
    }
    guard access(path, X_OK) == 0 || entries.isEmpty else {
      troubles.append(
        InputTrouble(.permission, path: shown, "no permission to open what is in the directory")
      )
      return
    }
    if let server = servers.first(where: { $0.isQueue(directory: path, entries: entries) }) {
      inputs.append(FoundInput(path: path, kind: .queue(server.id), isNamed: isNamed))
      return
    }
    for entry in entries {
      visit(
        path + "/" + entry,
        shown: path + "/" + entry,
        depth: depth + 1,
        isNamed: false,
        queuesOnly: queuesOnly
      )
    }
  }
}
