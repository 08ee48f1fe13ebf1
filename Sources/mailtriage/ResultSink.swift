import Glibc
import MailModel

/// Where a result goes, piece by piece.
final class ResultSink {
  private let descriptor: Int32
  private let path: String
  private var buffer: [UInt8] = []

  /// Standard output, or the file named, emptied. Throws ``Refusal`` where it cannot be made.
  init(_ output: String?) throws {
    path = output ?? "standard output"
    descriptor = output.map { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) } ?? 1
    guard descriptor >= 0 else {
      throw Refusal(.cannotCreate, "\(path): \(String(cString: strerror(errno)))")
    }
  }

  deinit { if descriptor > 1 { close(descriptor) } }

  func write(_ text: String) throws {
    buffer.append(contentsOf: text.utf8)
    if buffer.count > 1 << 16 { try flush() }
  }

  func finish() throws { try flush() }

  private func flush() throws {
    guard writeAll(buffer, to: descriptor) else {
      throw Refusal(.inputOutput, "\(path): \(String(cString: strerror(errno)))")
    }
    buffer.removeAll(keepingCapacity: true)
  }
}
