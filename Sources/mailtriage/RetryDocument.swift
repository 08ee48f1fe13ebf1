import Experiment
import MailModel
import Reporting
import Triage

/// A retry as each format shows it.
struct RetryDocument {
  var destination: HostName
  var path: TrialPath?
  /// No peer could be tried.
  var isUntried = false
  var startedAt: Timestamp
  /// What the mail server demands, with the options on top.
  var policy: TLSPolicy
  var result: RetryResult

  var json: JSONValue {
    .object([
      "schema": .string("mailtriage.retry/1"),
      "destination": .string(destination.description),
      "test_path": JSONValue(path.map { "\($0.host):\($0.port)" }),
      "source": JSONValue(result.trials.compactMap(\.source).first),
      "started_at": JSONValue(startedAt),
      "trials": .array(result.trials.map(\.json)),
      "verdict": .string(result.verdict.rawValue),
      "weakest_change": JSONValue(result.weakestChange?.rawValue),
      "explanation": .string(OutsideText(result.explanation).terminal(limit: 4000)),
      "policy": .object([
        "level": .string(policy.level.rawValue), "source": JSONValue(policy.source),
      ]),
    ])
  }

  /// Where the policy comes from, for people.
  private var origin: String {
    let place =
      policy.source.map { ", from \($0)" }
      ?? (policy.origin == .serverDefault ? ", assumed (--mta-config or --tls-level tells)" : "")
    return "level \(policy.level.rawValue)\(place)"
  }

  /// `recipe`: how to make a test path, where there is none.
  func page(recipe: TestPathRecipe?) -> Page {
    var lead = "\(destination): \(result.verdict.rawValue)"
    if let rung = result.weakestChange { lead += "; the least change that works: \(rung.rawValue)" }
    var blocks: [Page.Block] = [.lead(lead), .paragraph(result.explanation)]
    let sources = result.trials.compactMap(\.source)
    blocks.append(
      .paragraph("policy tried: \(origin)" + (sources.first.map { "; trials from \($0)" } ?? ""))
    )
    blocks.append(.table(table))
    for note in notes { blocks.append(.item(note)) }
    return Page(title: "Retry of \(destination)", blocks + (recipe?.blocks ?? []))
  }

  /// What trials noted besides, each once.
  private var notes: [String] {
    result.trials.flatMap(\.notes).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  private var table: Table {
    let rows = result.trials.map { trial in
      let outcome =
        trial.failedStage.map { "fails at \($0.rawValue): \(trial.failureClass?.rawValue ?? "")" }
        ?? "ok"
      return Table.Row(
        [
          Table.Cell(trial.rung.rawValue), Table.Cell(trial.peer.isEmpty ? "none" : trial.peer),
          Table.Cell(outcome), Table.Cell(trial.stages.last?.detail ?? ""),
        ],
        tone: trial.isOK ? .plain : .soon
      )
    }
    return Table(
      caption: "Trials, in their order",
      columns: [
        Table.Column("trial"), Table.Column("peer"), Table.Column("outcome"),
        Table.Column("said last", isFlexible: true),
      ],
      rows: rows
    )
  }
}

extension Trial {
  var json: JSONValue {
    .object([
      "rung": .string(rung.rawValue),
      "tls": .bool(usedTLS),
      "peer": JSONValue(peer.isEmpty ? nil : peer), "source": JSONValue(source),
      "stages": .array(stages.map(\.json)),
      "ok": .bool(isOK),
      "failed_stage": JSONValue(failedStage?.rawValue),
      "class": JSONValue(failureClass?.rawValue),
      "notes": JSONValue(notes.map { OutsideText($0).terminal(limit: 1000) }),
      "capabilities": JSONValue(capabilities.map { OutsideText($0).terminal(limit: 100) }),
      "tls_facts": facts?.json ?? .null,
    ])
  }
}

extension TLSFacts {
  var json: JSONValue {
    .object([
      "protocol": .string(version),
      "cipher": .string(cipher),
      "cipher_bits": cipherBits.map { .int($0) } ?? .null,
      "group": JSONValue(group),
      "server_signature": JSONValue(serverSignature),
      "server_digest": JSONValue(serverDigest),
      "verify_code": .int(verifyCode),
      "verify_text": .string(verifyText),
      "problems": .array(
        problems.map {
          .object(["code": .int($0.code), "text": .string($0.text), "depth": .int($0.depth)])
        }
      ),
      "client_certificate_requested": .bool(isClientCertificateRequested),
      "alerts": JSONValue(alerts),
      "ocsp_staple": JSONValue(ocspStaple),
      "chain": .array(chain.map(\.json)),
    ])
  }
}

extension CertificateFacts {
  var json: JSONValue {
    .object([
      "subject": .string(OutsideText(subject).terminal()),
      "issuer": .string(OutsideText(issuer).terminal()),
      "names": JSONValue(names.map { OutsideText($0).terminal() }),
      "not_before": JSONValue(notBefore.map { Timestamp(seconds: $0) }),
      "not_after": JSONValue(notAfter.map { Timestamp(seconds: $0) }),
      "key_type": .string(keyType),
      "key_bits": .int(keyBits),
      "signature": .string(signature),
      "signature_bits": .int(signatureBits),
      "sha256": .string(fingerprint),
      "public_key_sha256": .string(publicKeyFingerprint),
    ])
  }
}

extension StageRecord {
  var json: JSONValue {
    .object([
      "stage": .string(stage.rawValue),
      "ok": .bool(isOK),
      "detail": .string(OutsideText(detail).terminal()),
      "seconds": .number((seconds * 1000).rounded() / 1000),
    ])
  }
}
