/// Times single stages of ingest, for `make bench`: `mailtriage-bench STAGE [DATABASE] LOG...`.
///
/// - `parse LOG...`: reads and correlates; what comes out is counted and thrown away.
/// - `ingest DATABASE LOG...`: the same into a database on disk; no question is asked of it.
///
/// Prints the counts, which must equal the generator's, as one line of JSON.

import Glibc
import Intake
import MailModel
import MailServers
import Store

func run(_ arguments: [String]) throws -> Int32 {
  let words = Array(arguments.dropFirst())
  let logs: ArraySlice<String>
  let store: TriageStore
  switch words.first {
  case "parse" where words.count > 1:
    store = try TriageStore(path: ":memory:")
    logs = words[1...]
  case "ingest" where words.count > 2:
    store = try TriageStore(path: words[1])
    logs = words[2...]
  default:
    print("usage: mailtriage-bench parse LOG... | ingest DATABASE LOG...")
    return 64
  }
  var options = IngestOptions(
    zone: "UTC",
    year: 2025,
    now: Timestamp(seconds: 1_793_000_000)
  )
  options.isDiscarded = words.first == "parse"
  if let bytes = getenv("MAILTRIAGE_COMMIT_BYTES").flatMap({ Int64(String(cString: $0)) }),
    bytes > 0
  {
    options.commitBytes = bytes
    options.flushBytes = max(1, bytes / 4)
  }
  let ingest = try Ingest(
    store: store,
    servers: registeredMailServers,
    options: options,
    seed: UInt64.random(in: 0...UInt64.max)
  )
  var discovery = Discovery(servers: registeredMailServers)
  for path in logs { discovery.add(path) }
  let reports = try ingest.run(discovery.inputs)
  let counts = ingest.counts
  let lines = reports.reduce(0) { $0 + $1.newLines }
  print(
    """
    {"lines": \(lines), "messages": \(counts.messages), "delivered": \(counts.delivered), \
    "deferred": \(counts.deferred), "deferred_with_cause": \(counts.deferredWithCause), \
    "bounced": \(counts.bounced), "expired": \(counts.expired), "ended": \(counts.ended)}
    """
  )
  let troubles = reports.flatMap(\.troubles).filter { $0.kind != .note }
  for trouble in troubles { print(trouble.trouble) }
  return troubles.isEmpty ? 0 : 1
}

Allocator.returnsWhatIsFreed()
do {
  exit(try run(CommandLine.arguments))
} catch {
  print("mailtriage-bench: \(error)")
  exit(70)
}
