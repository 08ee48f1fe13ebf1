import ArgumentParser

/// Exit statuses, after sysexits.h. Scripts rely on them.
enum ExitStatus: Int32, CaseIterable {
  case done = 0
  case usage = 64
  /// Input that is not what it claims to be.
  case inputNotValid = 65
  case noInput = 66
  case unavailable = 69
  case cannotCreate = 73
  case inputOutput = 74
  /// Another run holds the database.
  case temporary = 75
  case noPermission = 77
  case badConfiguration = 78

  var code: ExitCode { ExitCode(rawValue) }

  /// Of several troubles the first in this order is the status.
  static let gravity: [ExitStatus] = [.inputOutput, .noPermission, .inputNotValid, .noInput]

  /// The status for what a run met.
  static func gravest(_ statuses: [ExitStatus]) -> ExitStatus {
    gravity.first { statuses.contains($0) } ?? statuses.first { $0 != .done } ?? .done
  }
}
