import MailModel
import Store

/// Knows which dialect reads the lines of which host and tag, and holds the dialects.
struct Dispatch: ~Copyable {
  /// A dialect at work on one host's lines.
  private struct Post {
    var server: any MailServer
    var host: String
    var dialect: any LogDialect
    var origin: Int64
    var isTouched = false
  }

  /// Who reads a line, and which of the server's programs wrote it.
  struct Reader {
    var post: Int
    var program = 0
  }

  private let servers: [any MailServer]
  /// The dialects of ``servers``, in their order.
  private let dialects: [any LogDialect.Type]
  /// What the dialects of earlier runs remembered, until a post takes it up.
  private var carried: [String: [UInt8]]
  private var posts: ContiguousArray<Post> = []
  private var postByName: [String: Int] = [:]
  /// How many posts shared the memory when it was shared out last.
  private var postsTrimmed = 0
  /// By `host tag`: a place among ``readers``, or -1.
  private var byTag: ByteInterner
  private var readers: ContiguousArray<Reader> = []
  private var recent = RecentTags()
  /// The posts of lines without host and tag, by the place of their server.
  private var untagged: [Int?]
  private let seed: UInt64

  /// Tags remembered at most; names come from outside.
  private static let tagLimit = 50_000
  /// Hosts told apart at most; the lines of further ones count as one more host's.
  private static let postLimit = 10_000
  /// Bytes of a host's name that are kept, and of a `host tag` that is remembered.
  private static let longestHost = 255
  private static let longestKey = 512
  /// What all dialects together remember of a kind, at most.
  private static let memory = 16_384

  init(
    servers: [any MailServer],
    carried: [String: [UInt8]],
    seed: UInt64
  ) {
    self.servers = servers
    dialects = servers.map(\.dialect)
    self.carried = carried
    self.seed = seed
    untagged = Array(repeating: nil, count: servers.count)
    byTag = ByteInterner(seed: seed)
  }

  /// The reader of a line with a tag; nil where no server claims it. `key` is `host tag` as it stands
  /// in the line.
  mutating func reader(
    key: UnsafeBufferPointer<UInt8>,
    host: Range<Int>,
    tag: Range<Int>,
    line: Span<UInt8>,
    _ writer: inout IngestWriter
  ) -> Reader? {
    if let known = recent.value(of: key) { return known < 0 ? nil : readers[known] }
    if let known = byTag.value(of: key) {
      recent.note(key, value: Int(known))
      return known < 0 ? nil : readers[Int(known)]
    }
    if byTag.count >= Dispatch.tagLimit {
      byTag = ByteInterner(seed: seed)
      readers.removeAll()
      recent = RecentTags()
    }
    let isKept = key.count <= Dispatch.longestKey
    let word = line.extracting(tag)
    for server in servers {
      guard let program = server.dialect.program(tag: word) else { continue }
      let name = host.prefix(Dispatch.longestHost)
      let reader = Reader(
        post: post(server: server, host: line.text(name.startIndex..<name.endIndex), &writer),
        program: program
      )
      if isKept {
        byTag.insert(key, value: Int64(readers.count))
        readers.append(reader)
      }
      return reader
    }
    if isKept { byTag.insert(key, value: -1) }
    return nil
  }

  /// The reader of a line without host and tag.
  mutating func reader(untagged text: Span<UInt8>, _ writer: inout IngestWriter) -> Reader? {
    for place in dialects.indices where dialects[place].claimsUntagged(text) {
      if let known = untagged[place] { return Reader(post: known) }
      let post = post(server: servers[place], host: "", &writer)
      untagged[place] = post
      return Reader(post: post)
    }
    return nil
  }

  private mutating func post(
    server: any MailServer,
    host: String,
    _ writer: inout IngestWriter
  ) -> Int {
    let name = "\(server.id)\u{0}\(host)"
    if let known = postByName[name] { return known }
    if posts.count >= Dispatch.postLimit, !host.isEmpty {
      return post(server: server, host: "", &writer)
    }
    var dialect = server.makeDialect()
    if let state = carried.removeValue(forKey: name) { dialect.restore(state) }
    posts.append(
      Post(
        server: server,
        host: host,
        dialect: dialect,
        origin: writer.origin(server: server.id, host: host)
      )
    )
    postByName[name] = posts.count - 1
    return posts.count - 1
  }

  /// The number under which the store knows a post's server and host.
  func origin(of post: Int) -> Int64 { posts[post].origin }

  /// The server of a post.
  func server(of post: Int) -> MailServerID { posts[post].server.id }

  /// Lets a post read one line.
  mutating func read(
    _ post: Int,
    _ line: LogLine,
    in bytes: Span<UInt8>,
    into events: inout LineEvents
  ) -> LineOutcome {
    posts[post].isTouched = true
    return posts[post].dialect.read(line, in: bytes, into: &events)
  }

  /// Makes the dialects forget what is beyond their share of the memory: hosts come from outside.
  mutating func trim() {
    let share = max(Dispatch.memory / max(posts.count, 1), 1)
    let isSmaller = posts.count > postsTrimmed
    postsTrimmed = posts.count
    for index in posts.indices where isSmaller || posts[index].isTouched {
      posts[index].dialect.forget(allBut: share)
    }
  }

  /// What the dialects that read since the last call remember.
  mutating func takeCarried() -> [CarriedDialect] {
    var states: [CarriedDialect] = []
    for index in posts.indices where posts[index].isTouched {
      posts[index].isTouched = false
      states.append(
        CarriedDialect(
          server: posts[index].server.id,
          host: posts[index].host,
          state: posts[index].dialect.carriedState
        )
      )
    }
    return states
  }
}
