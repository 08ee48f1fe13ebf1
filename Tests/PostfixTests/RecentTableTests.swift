import MailModel
import Testing

@testable import MailServers

/// What dialects remember by process and queue id.
struct RecentTableTests {
  private func moment(_ second: Int) -> Timestamp { Timestamp(seconds: Int64(second)) }

  @Test func `the newest are remembered and the oldest make room`() {
    var table = RecentTable<Int32, PostfixSession>()
    for pid in 0..<10_000 {
      let place = table.add(Int32(pid), at: moment(pid))
      table[place].peer = Array("mx\(pid)".utf8)
    }
    #expect(table.count == 4096)
    for pid in 7000..<10_000 {
      let session = table.value(of: Int32(pid))
      #expect(session?.moment == moment(pid))
      #expect(session?.peer == Array("mx\(pid)".utf8))
    }
    #expect(table.value(of: 0) == nil)
  }

  @Test func `what takes an old one's place knows nothing of it`() {
    var table = RecentTable<Int32, PostfixSession>()
    for pid in 0..<4096 {
      let place = table.add(Int32(pid), at: moment(pid))
      table[place].add(Array("a failure".utf8), at: LinePosition(source: 1, offset: 1))
      table[place].usedBy = ShortID(Array("1E24040003".utf8))
      table[place].established = .encrypted
    }
    let place = table.add(9999, at: moment(9999))
    #expect(table[place].cause.isEmpty)
    #expect(table[place].causePosition == nil)
    #expect(table[place].usedBy == nil)
    #expect(table[place].established == nil)
  }

  @Test func `one that is taken away leaves the others where they are found`() {
    var table = RecentTable<ShortID, PostfixSession>()
    func id(_ number: Int) -> ShortID { ShortID(Array("1E2404\(number)".utf8)) }
    for number in 0..<3000 { table.set(id(number), PostfixSession(moment: moment(number))) }
    for number in stride(from: 0, to: 3000, by: 3) {
      #expect(table.remove(id(number))?.moment == moment(number))
    }
    for number in 0..<3000 {
      #expect(table.value(of: id(number))?.moment == (number % 3 == 0 ? nil : moment(number)))
    }
    #expect(table.count == 2000)
  }

  @Test func `the newest come in the order of their keys`() {
    var table = RecentTable<Int32, PostfixSession>()
    for pid in [30, 10, 40, 20] as [Int32] {
      table.set(pid, PostfixSession(moment: moment(Int(pid))))
    }
    #expect(table.newest(3).map(\.key) == [20, 30, 40])
    #expect(table.newest(9).map(\.key) == [10, 20, 30, 40])
  }
}

/// Queue ids at the beginning of a text.
struct QueueIDTests {
  @Test(arguments: [
    ("1E24040003: removed", "1E24040003"), ("ABCDEF: removed", "ABCDEF"),
    ("0123456789ABCDEF0123: x", "0123456789ABCDEF0123"),
    ("4fPYCK0sf8z3md: removed", "4fPYCK0sf8z3md"), ("4dBgmb1j3dzRf3j: x", "4dBgmb1j3dzRf3j"),
    // Too short, no inode, a vowel, lower case in hexadecimal, no blank, nothing behind.
    ("ABCDE: removed", nil), ("4fPYCK0sf8z: removed", nil), ("4fPYCK0sf8z3ma: x", nil),
    ("1e24040003: removed", nil), ("1E24040003:removed", nil), ("1E24040003:", nil),
    ("1E24040003", nil), ("1E24040003 removed: x", nil), ("connect from x: y", nil),
    ("warning: x", nil), ("1E2404\u{e4}003: x", nil), (": x", nil), ("", nil),
    ("0123456789ABCDEF0123456789ABCDEF: x", nil),
  ])
  func `an id is told by its characters`(_ text: String, _ id: String?) {
    let bytes = Array("tag: \(text)".utf8)
    let found = PostfixQueueID.leading(bytes.span, in: 5..<bytes.count)
    #expect(found.map { String(decoding: bytes[$0], as: UTF8.self) } == id)
  }
}
