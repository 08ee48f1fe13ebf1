package import MailModel

/// A ladder of changes of one policy, least weakening first.
package enum Ladder {
  /// The demand that a rung makes of `configured`; nil where the rung would change nothing or cannot
  /// be tried. `seen` is what TLS saw with the policy as configured.
  package static func apply(
    _ rung: LadderRung,
    to configured: TLSDemand,
    seen: TLSFacts?
  ) -> TLSDemand? {
    var demand = configured
    switch rung {
    case .asConfigured: return demand
    case .noClientCertificate:
      guard demand.clientCertificate != nil else { return nil }
      demand.clientCertificate = nil
      demand.clientKey = nil
    case .certificateName:
      // A wildcard is a name for no host in particular: it is never taken over.
      guard case .names(let names) = demand.verification, !names.isEmpty,
        let carried = seen?.names.filter({ HostName($0) != nil }), !carried.isEmpty,
        carried != names
      else { return nil }
      demand.verification = .names(carried)
    case .pinnedCertificate:
      guard demand.verification != .nothing, let leaf = seen?.chain.first,
        !leaf.fingerprint.isEmpty
      else { return nil }
      demand.verification = .fingerprints([leaf.fingerprint])
    case .noVerification:
      guard demand.verification != .nothing else { return nil }
      demand.verification = .nothing
    case .tls12AtMost:
      guard demand.maximumProtocol == nil else { return nil }
      demand.maximumProtocol = "TLSv1.2"
    case .olderProtocol:
      // TLS 1.0 and 1.1 sign with SHA-1, which OpenSSL 3 allows at security level 0 only.
      demand.minimumProtocol = "TLSv1"
      demand.ciphers = "DEFAULT:@SECLEVEL=0"
      demand.securityLevel = nil
    case .lowerSecurityLevel:
      demand.ciphers = "ALL:@SECLEVEL=0"
      demand.securityLevel = nil
      demand.chainSecurityLevel = nil
      demand.minimumCipherBits = nil
    case .plaintext:
      demand = TLSDemand(use: .never)
    }
    return demand == configured ? nil : demand
  }

  /// The rungs with TLS behind the first.
  package static let changes: [LadderRung] = [
    .noClientCertificate, .certificateName, .pinnedCertificate, .noVerification, .tls12AtMost,
    .olderProtocol, .lowerSecurityLevel,
  ]
}

/// Fisher's exact test, one-sided.
package enum ExactTest {
  /// The chance that the first of two groups fails at least so often, were there no difference.
  package static func chance(
    failures: Int,
    of first: Int,
    against otherFailures: Int,
    of second: Int
  ) -> Double {
    let total = failures + otherFailures
    guard failures >= 0, otherFailures >= 0, failures <= first, otherFailures <= second,
      first + second <= 10_000
    else { return 1 }
    var sum = 0.0
    for count in failures...max(failures, min(first, total)) where total - count <= second {
      sum +=
        choose(first, count) * choose(second, total - count) / choose(first + second, total)
    }
    return min(sum, 1)
  }

  private static func choose(_ n: Int, _ k: Int) -> Double {
    guard k >= 0, k <= n else { return 0 }
    var value = 1.0
    for step in 0..<min(k, n - k) { value *= Double(n - step) / Double(step + 1) }
    return value
  }
}
