import MailModel
import Reporting

/// Text made to break every output.
let hostileTexts = [
  "\u{1b}[31mred\u{1b}[0m\r\n\tx", "<script>alert(1)</script><img src=x onerror=alert(1)>",
  "</pre></style></svg><b>", "\"' onmouseover='x", "| a | b |\n\n# heading\n\n- item",
  "```\n[x](javascript:alert(1)) ![i](http://e.example/i.png) <http://e.example>",
  "'; DROP TABLE message; --", "$(touch x)`id`", "=HYPERLINK(1)", "\u{202e}moc.live\u{2066}",
  "{{title}} {{{svg}}} {{/incidents}}", "zero\u{200b}width\u{feff}", "&lt;&amp;",
]

private let midnight = Timestamp(seconds: 1_795_392_000)

/// A report in which every outside text is `outside`.
func sampleReport(outside: String = "mx.example.com", incidents: Int = 2) -> Report {
  let hours = (0..<24).map { midnight.advanced(bySeconds: Double($0) * 3600) }
  return Report(
    from: midnight,
    to: midnight.advanced(bySeconds: 86_400),
    now: midnight.advanced(bySeconds: 90_000),
    generatedAt: midnight.advanced(bySeconds: 90_001),
    headline:
      "It looks like them: 3 destinations show certificates that cannot be trusted. \(outside)",
    tasks: [
      Report.Task(
        title: "Pin the certificate of \(outside)",
        destination: outside,
        deadline: midnight.advanced(bySeconds: 100_000),
        saves: 42,
        detail: "Its certificate is self-signed since \(outside)."
      )
    ],
    figures: [
      Report.Figure(name: "Delivered", today: 1200, yesterday: 1100, weekMean: 1150.5),
      Report.Figure(name: "Deferred", today: 300, yesterday: nil, weekMean: nil),
    ],
    changes: [
      Report.Change(kind: .began, destination: outside, text: "new since 09:00: \(outside)"),
      Report.Change(kind: .better, destination: nil, text: "greylisted: 3, against 30.5"),
    ],
    incidents: (0..<incidents).map { number in
      Report.Incident(
        id: "i\(number)",
        domains: [outside, "example.net"],
        nextHops: ["\(outside)[192.0.2.1]:25"],
        state: number == 0 ? "active" : "recovered",
        failureClass: .certificateSelfSigned,
        tlsIsCause: .yes,
        responsible: .remote,
        confidence: 0.97,
        confirmedBy: "retry",
        onset: hours[9],
        trigger: "reload",
        attempts: 120,
        waiting: 42,
        meaning: "The receiving server shows a certificate signed by itself. \(outside)",
        evidence: [Report.Evidence(path: outside, offset: 123_456, text: outside)],
        remedies: [
          Remedy(
            title: "Encrypt without authentication to \(outside)",
            weakens: .authentication,
            configuration: "# comment \(outside)\nexample.com encrypt",
            apply: ["postfix reload \(outside)"],
            verify: ["posttls-finger example.com"],
            flush: ["postqueue -i 1"],
            undo: ["rm x"],
            validUntil: hours[23],
            risk: "Someone on the path could read the mail. \(outside)",
            refused: number == 0 ? nil : "It demands TLS. \(outside)"
          )
        ],
        notice: "Dear postmaster,\n\n\(outside)\n"
      )
    },
    moreIncidents: incidents > 1 ? 7 : 0,
    deadlines: [
      Report.Deadline(
        domain: outside,
        waiting: 42,
        oldest: hours[3],
        failureClass: .certificateSelfSigned,
        firstExpiry: hours[20],
        lastExpiry: hours[23],
        fixBy: hours[19],
        expiring24h: 40,
        basis: "configuration"
      )
    ],
    charts: [
      Chart(
        id: "backlog",
        title: "Waiting mail by destination",
        summary: "The backlog of \(outside) grows since 09:00.",
        form: .lines,
        labels: hours.indices.map { "\($0):00" },
        moments: hours,
        series: [
          ChartSeries(name: outside, values: hours.indices.map { Double($0 * 3) }),
          ChartSeries(name: "others", values: hours.indices.map { _ in 12 }),
        ],
        marks: [ChartMark(at: hours[9], label: "onset \(outside)")],
        unit: "messages"
      ),
      Chart(
        id: "wave",
        title: "NDRs to come by hour",
        summary: "40 within a day.",
        form: .bars,
        labels: hours.indices.map { "\($0):00" },
        series: [ChartSeries(name: "NDRs", values: hours.indices.map { Double($0 % 7) })],
        unit: "NDRs"
      ),
      Chart(
        id: "classes",
        title: "Failures by class and day",
        summary: "Certificates lead.",
        form: .stackedBars,
        labels: ["20 Nov", "21 Nov"],
        series: [
          ChartSeries(name: "certificate-self-signed", values: [3, 9]),
          ChartSeries(name: outside, values: [1, 2]),
        ],
        unit: "attempts"
      ),
      Chart(
        id: "ages",
        title: "Age of the waiting mail",
        summary: "Most waits for less than a day.",
        form: .heatMap,
        labels: ["< 1 h", "< 6 h", "< 1 d", "older"],
        series: [
          ChartSeries(name: outside, values: [1, 5, 30, 0]),
          ChartSeries(name: "example.net", values: [0, 2, 0, 1]),
        ],
        unit: "messages"
      ),
    ],
    coverage: [
      Report.Coverage(
        path: "/var/log/\(outside)",
        kind: "postfix",
        lines: 10_000,
        recognized: 9_990,
        unrecognized: 10,
        newest: midnight.advanced(bySeconds: 89_000),
        troubles: ["\(outside): damaged at byte 3"]
      )
    ],
    schedules: ["Postfix: \(outside)"],
    protections: [
      Report.Protection(name: "in clear", deliveries: 17),
      Report.Protection(name: "encrypted", deliveries: 1183),
    ],
    tlsCoverage: ["Plaintext deliveries are seen only where the server logs TLS. \(outside)"],
    isRedacted: false
  )
}
