import Dispatch
import Synchronization

/// Unpacks on a thread of its own what another one reads: for a packed log the decompressor is most of
/// the cost. A few blocks lie ready at most; a fault is told behind what came before it.
final class ReadAheadStream: ByteStream {
  /// A piece of the stream, or what ended it.
  private struct Block: Sendable {
    /// Room for ``blockSize`` bytes, of which the first ``count`` are filled.
    var bytes: [UInt8] = []
    var count = 0
    var stored: Int64 = 0
    var failure: ReadFailure?
    var isLast = false
  }

  private static let blockSize = 1 << 18
  private static let most = 4

  private let feed: Feed
  private var block = Block()
  private var taken = 0
  private var produced: Int64

  var storedBytesRead: Int64 { block.stored }

  /// Reads on from where `stream` stands, at `offset` of the unpacked content; nobody else may read
  /// from it until this stream is gone.
  init(_ stream: any ByteStream, at offset: Int64) {
    produced = offset
    block.stored = stream.storedBytesRead
    feed = Feed(stream)
  }

  deinit { feed.stop() }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
    while taken == block.count {
      if let failure = block.failure { throw failure }
      if block.isLast { return 0 }
      block = feed.next(giving: block.bytes)
      taken = 0
    }
    let count = min(buffer.count, block.count - taken)
    block.bytes.withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[taken..<(taken + count)]))
    }
    taken += count
    produced += Int64(count)
    return count
  }

  func skip(to offset: Int64) throws(ReadFailure) -> Bool {
    try discard(self, from: produced, to: offset)
  }

  /// The thread that unpacks, and what it has ready.
  private final class Feed: Sendable {
    private let ready = Mutex<[Block]>([])
    /// Rooms that were read from, to be filled again.
    private let spare = Mutex<[[UInt8]]>([])
    private let filled = DispatchSemaphore(value: 0)
    private let room = DispatchSemaphore(value: ReadAheadStream.most)
    private let isStopped = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)
    /// Only touched by the thread.
    private nonisolated(unsafe) let stream: any ByteStream

    init(_ stream: any ByteStream) {
      self.stream = stream
      DispatchQueue(label: "mailtriage.unpack").async { self.run() }
    }

    /// The next block, in exchange for the room of the one before.
    func next(giving room: [UInt8]) -> Block {
      if !room.isEmpty { spare.withLock { $0.append(room) } }
      filled.wait()
      let block = ready.withLock { $0.removeFirst() }
      self.room.signal()
      return block
    }

    /// Ends the thread and waits for it.
    func stop() {
      isStopped.store(true, ordering: .releasing)
      room.signal()
      ended.wait()
    }

    private func run() {
      defer { ended.signal() }
      while true {
        room.wait()
        if isStopped.load(ordering: .acquiring) { return }
        let block = read()
        ready.withLock { $0.append(block) }
        filled.signal()
        if block.isLast { return }
      }
    }

    private func read() -> Block {
      var block = Block()
      block.bytes =
        spare.withLock { $0.popLast() }
        ?? [UInt8](repeating: 0, count: ReadAheadStream.blockSize)
      do throws(ReadFailure) {
        block.count = try fill(&block.bytes)
      } catch {
        block.failure = error
      }
      block.stored = stream.storedBytesRead
      block.isLast = block.count == 0
      return block
    }

    private func fill(_ bytes: inout [UInt8]) throws(ReadFailure) -> Int {
      try bytes.withUnsafeMutableBufferPointer { buffer throws(ReadFailure) in
        try stream.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
    }
  }
}
