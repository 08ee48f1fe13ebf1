/// Unpacks one compression, piece by piece. What comes out before a fault is good: libarchive drops up
/// to 128 kB of it, which is all of a small log, and was seen to give a damaged gzip file as good.
protocol Unpacker: AnyObject {
  /// What the compression is called where something is wrong with it.
  var name: String { get }

  /// Unpacks from the start of `input` into `output`, as far as either goes. `input` may be empty: then
  /// only what is held back comes out.
  func unpack(
    _ input: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer
  ) -> Unpacked

  /// Makes ready for the next member behind one that ended.
  func begin()
}

/// What one step of an ``Unpacker`` came to.
struct Unpacked {
  /// What stands behind the bytes that were used.
  enum Next {
    case more
    /// A member ended; another may follow.
    case memberEnd
    /// Damage, in the words of the library.
    case damage(String)
    /// Good for all that is known, but not to be unpacked here.
    case refusal(String)
  }

  var used: Int
  var made: Int
  var next = Next.more
}

/// A compressed file, members one after another as `cat a.gz b.gz` makes them.
final class UnpackedStream: ByteStream {
  private let file: OpenFile
  private let unpacker: any Unpacker
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
  /// What of ``input`` is read from the file and not unpacked.
  private var waiting = 0..<0
  private var failure: ReadFailure?
  private var isFinished = false
  private var isAtMemberStart = true
  /// The unpacker filled what it was given, and may hold more.
  private var mayHoldBack = false
  private var produced: Int64 = 0
  /// Where the present member begins: in the file, and in what came out.
  private var memberStart: (stored: Int64, produced: Int64) = (0, 0)
  private(set) var storedBytesRead: Int64 = 0

  /// Bytes of the file that were unpacked, what is read but waits left out.
  var storedBytesUnpacked: Int64 { storedBytesRead - Int64(waiting.count) }

  /// A gigabyte of zeros fits in a megabyte of gzip; no log does. Beyond a first megabyte, more than
  /// this is taken for an attack.
  static let largestRatio: Int64 = 1000

  init(_ file: OpenFile, _ unpacker: any Unpacker) {
    self.file = file
    self.unpacker = unpacker
  }

  deinit { input.deallocate() }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
    if let failure { throw failure }
    let before = produced
    do throws(ReadFailure) {
      while !isFinished, produced - before < buffer.count {
        try step(into: UnsafeMutableRawBufferPointer(rebasing: buffer[Int(produced - before)...]))
      }
    } catch {
      failure = error
    }
    if produced > 1 << 20, produced / UnpackedStream.largestRatio > storedBytesRead, failure == nil
    {
      failure = fault("it grows more than a thousandfold when unpacked")
    }
    // What came out before a fault is given first; the next call tells of the fault.
    if produced == before, let failure { throw failure }
    return Int(produced - before)
  }

  private func step(into output: UnsafeMutableRawBufferPointer) throws(ReadFailure) {
    if waiting.isEmpty, !mayHoldBack {
      let count = try file.read(into: input)
      guard count > 0 else {
        guard isAtMemberStart else { throw fault("the \(unpacker.name) file ends too early") }
        isFinished = true
        return
      }
      storedBytesRead += Int64(count)
      waiting = 0..<count
    }
    if isAtMemberStart, storedBytesUnpacked > 0 {
      // Zeros behind the last member are padding, as tape and some rotations leave them.
      let zeros = input[waiting].prefix { $0 == 0 }.count
      waiting = (waiting.lowerBound + zeros)..<waiting.upperBound
      memberStart = (storedBytesUnpacked, produced)
      if waiting.isEmpty { return }
    }
    isAtMemberStart = false
    let step = unpacker.unpack(UnsafeRawBufferPointer(rebasing: input[waiting]), into: output)
    waiting = (waiting.lowerBound + step.used)..<waiting.upperBound
    produced += Int64(step.made)
    mayHoldBack = step.made == output.count
    switch step.next {
    case .more: break
    case .memberEnd:
      unpacker.begin()
      isAtMemberStart = true
      mayHoldBack = false
      memberStart = (storedBytesUnpacked, produced)
    case .refusal(let reason): throw fault(reason)
    case .damage(let detail):
      guard memberStart.stored > 0, produced == memberStart.produced else {
        throw fault("damaged \(unpacker.name) data (\(detail))")
      }
      throw fault(
        "what stands behind the end of the \(unpacker.name) data is none (\(detail))",
        at: memberStart.stored
      )
    }
  }

  private func fault(_ reason: String, at offset: Int64? = nil) -> ReadFailure {
    ReadFailure(offset: offset ?? storedBytesUnpacked, reason: reason, isDamage: true)
  }

  var isPacked: Bool { true }

  func skip(to offset: Int64) throws(ReadFailure) -> Bool {
    try discard(self, from: produced, to: offset)
  }
}
