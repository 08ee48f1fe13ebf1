import Glibc
import Intake
import MailModel

/// A bar on standard error with bytes, rate and time left; nothing where that is no terminal.
final class ProgressBar {
  private let isShown: Bool
  private let started: Double
  private var lastShown = 0.0

  init(isWanted: Bool) {
    isShown = isWanted && isatty(2) == 1
    started = ProgressBar.clock()
  }

  private static func clock() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Draws the bar, ten times a second at most.
  func show(_ progress: IngestProgress) {
    let now = ProgressBar.clock()
    guard isShown, progress.bytesInAll > 0, now - lastShown > 0.1 else { return }
    lastShown = now
    let share = min(1, Double(progress.bytesDone) / Double(progress.bytesInAll))
    let rate = Double(progress.bytesDone) / max(now - started, 0.001)
    let left = rate > 0 ? Double(progress.bytesInAll - progress.bytesDone) / rate : 0
    let filled = Int(share * 24)
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
    let text =
      "\r\u{1b}[K\(bar) \(Int(share * 100)) %  \(ProgressBar.size(progress.bytesDone))"
      + " of \(ProgressBar.size(progress.bytesInAll))  \(ProgressBar.size(Int64(rate)))/s"
      + "  \(Int(left.rounded())) s left"
    _ = writeAll(text.utf8, to: 2)
  }

  /// Takes the bar away.
  func clear() {
    if isShown, lastShown > 0 { _ = writeAll("\r\u{1b}[K".utf8, to: 2) }
  }

  private static func size(_ bytes: Int64) -> String {
    if bytes >= 1 << 30 { return "\(Double(bytes / (1 << 20) * 10 / 1024) / 10) GiB" }
    if bytes >= 1 << 20 { return "\(bytes >> 20) MiB" }
    return "\(bytes >> 10) KiB"
  }
}
