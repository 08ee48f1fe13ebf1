import Foundation

/// The program under test, built beside the tests.
package enum BuiltProgram {
  package static let path = URL(fileURLWithPath: CommandLine.arguments[0])
    .deletingLastPathComponent().appendingPathComponent("mailtriage").path

  /// The checkout, for what lies in it.
  package static let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
}
