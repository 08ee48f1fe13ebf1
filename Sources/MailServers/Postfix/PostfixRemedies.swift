import MailModel

/// Remedies in Postfix's own language. Each touches one destination only, through a policy map that is
/// put before the maps in use, and can be taken back by one line.
///
/// The map is `texthash`: it is in every build (`postconf -m`), and needs no `postmap`, only a reload.
struct PostfixRemedies {
  private let request: RemedyRequest
  private let existingMaps: String?

  private static let file = "/etc/postfix/mailtriage_tls_policy"

  init(_ request: RemedyRequest) {
    self.request = request
    let configuration = request.configuration as? PostfixConfiguration
    existingMaps = configuration?.parameters.value("smtp_tls_policy_maps")
  }

  /// Least weakening first.
  var all: [Remedy] {
    switch request.failureClass {
    case .certificateSelfSigned, .certificateNotTrusted, .certificateExpired,
      .certificateNotYetValid, .validationFailure, .weakSignature, .tlsaInvalid:
      pinned + [entry(.noVerification, "encrypt")]
    case .certificateHostMismatch: otherName + pinned + [entry(.noVerification, "encrypt")]
    case .clientCertificateRejected: [withoutClientCertificate]
    case .protocolVersionMismatch:
      [
        entry(.olderProtocol, "\(level) protocols=>=TLSv1"), entry(.plaintext, "none"),
      ]
    case .noSharedCipher, .weakKey:
      [
        entry(.lowerSecurityLevel, "\(level) ciphers=medium exclude=kDHE"),
        entry(.plaintext, "none"),
      ]
    case .handshakeTimeout, .handshakeDisconnected, .otherTLS, .plaintextOnTLSPort:
      [entry(.tls12AtMost, "\(level) protocols=<=TLSv1.2"), entry(.plaintext, "none")]
    case .startTLSNotSupported, .startTLSRefused, .startTLSStripped:
      [entry(.plaintext, "may")]
    case .daneRequired, .dnssecInvalid: [entry(.noVerification, "encrypt")]
    case .tlsRequiredByReceiver: [entry(.asConfigured, "encrypt")]
    default: []
    }
  }

  /// The level in force where it encrypts; else the least that does.
  private var level: String {
    switch request.policy?.level {
    case .none?, nil, .may?: "may"
    case .encrypt?: "encrypt"
    case .some(let level): level.rawValue
    }
  }

  private var pinned: [Remedy] {
    guard let fingerprint = request.publicKeyFingerprint ?? request.certificateFingerprint,
      fingerprint.count == 64, fingerprint.allSatisfy(\.isHexDigit)
    else { return [] }
    let colons = stride(from: 0, to: 64, by: 2).map { start in
      String(Array(fingerprint)[start..<(start + 2)]).uppercased()
    }.joined(separator: ":")
    var remedy = entry(.pinnedCertificate, "fingerprint match=\(colons)")
    remedy.configuration +=
      "\n# /etc/postfix/main.cf\nsmtp_tls_fingerprint_digest = sha256"
    return [remedy]
  }

  private var otherName: [Remedy] {
    guard !request.certificateNames.isEmpty else { return [] }
    let names = request.certificateNames.prefix(4).map(\.description).joined(separator: ":")
    return [entry(.certificateName, "secure match=\(names)")]
  }

  private var withoutClientCertificate: Remedy {
    let transport = "nocert"
    var remedy = base(.noClientCertificate)
    remedy.configuration = """
      # /etc/postfix/master.cf
      \(transport) unix - - n - - smtp
        -o syslog_name=postfix/\(transport)
        -o smtp_tls_cert_file=
        -o smtp_tls_key_file=
        -o smtp_tls_chain_files=
      # /etc/postfix/mailtriage_transport
      \(request.domain) \(transport):
      """
    remedy.apply = [
      "postconf -e 'transport_maps = texthash:/etc/postfix/mailtriage_transport'"
        + "   # keep the maps that `postconf -h transport_maps` shows behind it",
      "postfix reload",
    ]
    remedy.undo = [
      "sed -i '/^\(escaped) /d' /etc/postfix/mailtriage_transport", "postfix reload",
    ]
    return remedy
  }

  /// A policy-map entry for the destination.
  private func entry(_ rung: LadderRung, _ policy: String) -> Remedy {
    var remedy = base(rung)
    let maps =
      existingMaps.map {
        $0.contains(PostfixRemedies.file) || $0.isEmpty ? "" : ", " + $0.singleLine
      }
      ?? ""
    let until =
      remedy.weakens == .nothing ? "" : "   until \(request.validUntil.rfc3339)"
    remedy.configuration = """
      # \(PostfixRemedies.file)
      # mailtriage: \(request.failureClass.rawValue)\(until)
      \(request.domain) \(policy)
      # /etc/postfix/main.cf
      smtp_tls_policy_maps = texthash:\(PostfixRemedies.file)\(maps)
      """
    remedy.apply = [
      "printf '%s\\n' '\(request.domain) \(policy)' >> \(PostfixRemedies.file)",
      "postconf -e 'smtp_tls_policy_maps = texthash:\(PostfixRemedies.file)\(maps)'",
      "postfix reload",
    ]
    remedy.undo = [
      "sed -i '/^\(escaped) /d' \(PostfixRemedies.file)", "postfix reload",
    ]
    return remedy
  }

  private var escaped: String { request.domain.description.replacing(".", with: "\\.") }

  private func base(_ rung: LadderRung) -> Remedy {
    let domain = request.domain
    var flush: [String] = []
    if let canary = request.waitingQueueIDs.first(where: \.isQueueIDWord) {
      flush.append("postqueue -i \(canary)   # one message first; look at its log line")
    }
    flush.append(
      "postqueue -j | jq -r 'select(any(.recipients[]; .address|endswith(\"@\(domain)\"))) | .queue_id'"
        + " | xargs -r -n1 postqueue -i"
    )
    return Remedy(
      title: PostfixRemedies.title(rung, domain),
      weakens: rung.weakens,
      rung: rung,
      verify: [
        "postmap -q \(domain) texthash:\(PostfixRemedies.file)",
        "posttls-finger -c -l \(rung == .plaintext ? "may" : "encrypt") \(domain)",
      ],
      flush: flush,
      validUntil: rung.weakens == .nothing ? nil : request.validUntil,
      risk: PostfixRemedies.risk(rung)
    )
  }

  private static func title(_ rung: LadderRung, _ domain: HostName) -> String {
    switch rung {
    case .asConfigured: "Demand TLS for \(domain)"
    case .noClientCertificate: "Show no client certificate to \(domain)"
    case .certificateName: "Accept the name in the certificate of \(domain)"
    case .pinnedCertificate: "Pin the certificate of \(domain)"
    case .noVerification: "Encrypt to \(domain) without authentication"
    case .tls12AtMost: "Use TLS 1.2 at most for \(domain)"
    case .olderProtocol: "Allow older TLS versions for \(domain)"
    case .lowerSecurityLevel: "Allow weaker ciphers for \(domain)"
    case .plaintext: "Allow plaintext to \(domain)"
    }
  }

  private static func risk(_ rung: LadderRung) -> String {
    switch rung {
    case .asConfigured, .noClientCertificate: "None for the mail's secrecy."
    case .certificateName: "Whoever holds a certificate for that name can take the mail."
    case .pinnedCertificate: "Mail waits again when the peer changes its key."
    case .noVerification: "Someone on the path can pose as the peer and read the mail."
    case .tls12AtMost: "TLS 1.2 is sound; TLS 1.3 is not used."
    case .olderProtocol, .lowerSecurityLevel: "Recorded sessions may be broken later."
    case .plaintext: "Anyone on the path can read and change the mail."
    }
  }
}

extension String {
  /// Without line ends, for a snippet.
  var singleLine: String { String(filter { !$0.isNewline }) }

  /// Letters and digits only: safe as a shell word.
  var isQueueIDWord: Bool {
    !isEmpty && utf8.count <= 40
      && utf8.allSatisfy {
        ($0 >= 48 && $0 <= 57) || ($0 >= 65 && $0 <= 90) || ($0 >= 97 && $0 <= 122) || $0 == 45
      }
  }
}
