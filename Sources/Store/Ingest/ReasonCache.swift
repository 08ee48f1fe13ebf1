import Glibc

/// Remembers which folded text a reply or failure line had, so that folding is done once per text and
/// host and not once per attempt. Forgets everything when it is full: texts come from outside.
struct ReasonCache {
  private var known: ByteInterner
  private var folding = ReasonFolding()
  private var key: [UInt8] = []
  private let seed: UInt64

  private static let most = 16_384
  private static let longest = 1024

  init(seed: UInt64) {
    self.seed = seed
    known = ByteInterner(seed: seed)
    key.reserveCapacity(2048)
  }

  /// The number of `text` once folded; `host` is the peer's name without address and port.
  mutating func id(
    of text: UnsafeBufferPointer<UInt8>,
    host: UnsafeBufferPointer<UInt8>,
    in names: inout NameTable,
    added: inout RowBuffer
  ) -> Int64 {
    // A text shorter than the name can't hold it, and folds alike for all hosts.
    let named = host.count <= text.count ? host : UnsafeBufferPointer(rebasing: host[..<0])
    guard text.count <= ReasonCache.longest, named.count < 256 else {
      return ReasonCache.fold(text, named, &folding, &names, &added)
    }
    key.removeAll(keepingCapacity: true)
    key.append(UInt8(named.count))
    key.append(contentsOf: named)
    key.append(contentsOf: text)
    return key.withUnsafeBufferPointer { key in
      if let id = known.value(of: key) { return id }
      let id = ReasonCache.fold(text, named, &folding, &names, &added)
      if known.count >= ReasonCache.most { known = ByteInterner(seed: seed) }
      known.insert(key, value: id)
      return id
    }
  }

  private static func fold(
    _ text: UnsafeBufferPointer<UInt8>,
    _ host: UnsafeBufferPointer<UInt8>,
    _ folding: inout ReasonFolding,
    _ names: inout NameTable,
    _ added: inout RowBuffer
  ) -> Int64 {
    folding.fold(text, host: host).withUnsafeBufferPointer { names.id($0, added: &added) }
  }
}
