import Store

/// A reason to stop, with the exit status that says so.
struct Refusal: Error, CustomStringConvertible {
  var status: ExitStatus
  var description: String

  init(_ status: ExitStatus, _ description: String) {
    self.status = status
    self.description = description
  }

  init(_ error: StoreError) {
    let status: ExitStatus =
      switch error {
      case .busy: .temporary
      case .noSpace: .inputOutput
      case .noPermission: .noPermission
      case .damaged: .inputNotValid
      case .newer: .inputNotValid
      case .cannotOpen: .cannotCreate
      case .failed: .inputOutput
      }
    // Who reads waits for a run that fills an empty database, and for no other.
    let isHeld = if case .busy = error { true } else { false }
    self.init(
      status,
      isHeld
        ? error.description + ", so that there is no answer yet: run again when it is through"
        : error.description
    )
  }
}
