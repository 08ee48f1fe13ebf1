import Foundation

/// The parser that this process fuzzes, by name in the environment.
private let chosen: FuzzedParser =
  ProcessInfo.processInfo.environment["MAILTRIAGE_FUZZ"].flatMap(FuzzedParser.init) ?? .envelope

/// What libFuzzer calls with each input it makes up.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  chosen.parse(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
