import Experiment
import MailModel
import Triage

/// A retry as the three formats show it.
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

  var text: String {
    var out = "\(destination): \(result.verdict.rawValue)\n"
    out += "  \(OutsideText(result.explanation).terminal(limit: 2000))\n"
    if let rung = result.weakestChange { out += "  least change that works: \(rung.rawValue)\n" }
    out += "  policy tried: \(OutsideText(origin).terminal(limit: 300))\n"
    let source = result.trials.compactMap(\.source).first ?? "unknown"
    out += "  trials, from \(source):\n"
    for trial in result.trials {
      let last = trial.stages.last.map { OutsideText($0.detail).terminal(limit: 200) } ?? ""
      let end =
        trial.failedStage.map { "failed at \($0.rawValue): \(trial.failureClass?.rawValue ?? "")" }
        ?? "ok"
      out += "    \(trial.rung.rawValue) to \(trial.peer): \(end)\n      \(last)\n"
      for note in trial.notes { out += "      \(OutsideText(note).terminal(limit: 200))\n" }
    }
    return out
  }

  var markdown: String {
    var out = "## Retry of \(OutsideText(destination.description).markdown())\n\n"
    out += "**\(result.verdict.rawValue)**"
    if let rung = result.weakestChange { out += ", least change that works: \(rung.rawValue)" }
    out += "\n\n\(OutsideText(result.explanation).markdown(limit: 2000))\n\n"
    out += "| trial | peer | stage | class |\n| --- | --- | --- | --- |\n"
    for trial in result.trials {
      out += "| \(trial.rung.rawValue) | \(OutsideText(trial.peer).markdown()) "
      out += "| \(trial.failedStage?.rawValue ?? "ok") | \(trial.failureClass?.rawValue ?? "") |\n"
    }
    return out
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
