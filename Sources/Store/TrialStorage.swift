import GRDB
package import MailModel

/// A paired retry as the store keeps it.
package struct RecordedRetry: Hashable, Sendable {
  package var destination: String
  package var at: Timestamp
  /// `host:port` of the test path; nil where only steps with TLS were tried.
  package var path: String?
  /// As the JSON says it: `tls-is-the-cause`.
  package var verdict: String
  package var weakestChange: LadderRung?
  /// The whole result as JSON.
  package var body: String

  package init(
    destination: String,
    at: Timestamp,
    path: String?,
    verdict: String,
    weakestChange: LadderRung?,
    body: String
  ) {
    self.destination = destination
    self.at = at
    self.path = path
    self.verdict = verdict
    self.weakestChange = weakestChange
    self.body = body
  }
}

/// A look at a destination's servers as the store keeps it.
package struct RecordedProbe: Hashable, Sendable {
  /// What the DNS says of DANE.
  package enum DANE: String, CaseIterable, Hashable, Sendable {
    case none
    /// Usable records in a signed zone.
    case published
    case unknown
  }

  /// The mode of the MTA-STS policy.
  package enum MTASTS: String, CaseIterable, Hashable, Sendable {
    case none
    case testing
    case enforce
    case unknown
  }

  package var destination: String
  package var at: Timestamp
  package var dane: DANE
  package var mtaSTS: MTASTS
  /// Of the first host that showed a certificate.
  package var certificateNames: [String]
  package var certificateFingerprint: String?
  package var publicKeyFingerprint: String?
  /// The whole result as JSON.
  package var body: String

  package init(
    destination: String,
    at: Timestamp,
    dane: DANE,
    mtaSTS: MTASTS,
    certificateNames: [String] = [],
    certificateFingerprint: String? = nil,
    publicKeyFingerprint: String? = nil,
    body: String
  ) {
    self.destination = destination
    self.at = at
    self.dane = dane
    self.mtaSTS = mtaSTS
    self.certificateNames = certificateNames
    self.certificateFingerprint = certificateFingerprint
    self.publicKeyFingerprint = publicKeyFingerprint
    self.body = body
  }
}

extension TriageStore {
  /// Kept of each destination.
  private static let kept = 50

  /// Keeps a retry. Throws ``StoreError``.
  package func record(_ retry: RecordedRetry) throws {
    try write { db in
      try db.execute(
        sql: """
          INSERT INTO retry (destination, at, path, verdict, weakest_change, body)
          VALUES (?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          retry.destination, retry.at.microseconds, retry.path, retry.verdict,
          retry.weakestChange?.rawValue, retry.body,
        ]
      )
      try TriageStore.trim("retry", retry.destination, db)
    }
  }

  /// Keeps a probe. Throws ``StoreError``.
  package func record(_ probe: RecordedProbe) throws {
    try write { db in
      try db.execute(
        sql: """
          INSERT INTO probe (destination, at, dane, mta_sts, certificate_names,
            certificate_sha256, public_key_sha256, body)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          probe.destination, probe.at.microseconds, probe.dane.rawValue, probe.mtaSTS.rawValue,
          probe.certificateNames.joined(separator: " "), probe.certificateFingerprint,
          probe.publicKeyFingerprint, probe.body,
        ]
      )
      try TriageStore.trim("probe", probe.destination, db)
    }
  }

  private static func trim(_ table: String, _ destination: String, _ db: Database) throws {
    try db.execute(
      sql: """
        DELETE FROM \(table) WHERE destination = ?1 AND id NOT IN (
          SELECT id FROM \(table) WHERE destination = ?1 ORDER BY at DESC LIMIT \(kept))
        """,
      arguments: [destination]
    )
  }

  /// The newest retry of each destination that is not newer than `now`. Throws ``StoreError``.
  package func latestRetries(now: Timestamp) throws -> [String: RecordedRetry] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT destination, max(at) AS at, path, verdict, weakest_change, body FROM retry
          WHERE at <= ? GROUP BY destination
          """,
        arguments: [now.microseconds]
      ).reduce(into: [:]) { found, row in
        let destination: String = row["destination"]
        found[destination] = RecordedRetry(
          destination: destination,
          at: Timestamp(microseconds: row["at"]),
          path: row["path"],
          verdict: row["verdict"],
          weakestChange: (row["weakest_change"] as String?).flatMap { LadderRung(rawValue: $0) },
          body: row["body"]
        )
      }
    }
  }

  /// The newest probe of each destination that is not newer than `now`. Throws ``StoreError``.
  package func latestProbes(now: Timestamp) throws -> [String: RecordedProbe] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT destination, max(at) AS at, dane, mta_sts, certificate_names, certificate_sha256,
            public_key_sha256, body FROM probe WHERE at <= ? GROUP BY destination
          """,
        arguments: [now.microseconds]
      ).reduce(into: [:]) { found, row in
        let destination: String = row["destination"]
        found[destination] = RecordedProbe(
          destination: destination,
          at: Timestamp(microseconds: row["at"]),
          dane: RecordedProbe.DANE(rawValue: row["dane"]) ?? .unknown,
          mtaSTS: RecordedProbe.MTASTS(rawValue: row["mta_sts"]) ?? .unknown,
          certificateNames: (row["certificate_names"] as String).split(separator: " ")
            .map(String.init),
          certificateFingerprint: row["certificate_sha256"],
          publicKeyFingerprint: row["public_key_sha256"],
          body: row["body"]
        )
      }
    }
  }
}
