// swift-tools-version: 6.2
import PackageDescription

// `MAILTRIAGE_STRICT=1` turns warnings of our own targets into errors; `make test` sets it.
let strict = Context.environment["MAILTRIAGE_STRICT"] == "1"

let house: [SwiftSetting] =
  [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  ] + (strict ? [.treatAllWarnings(as: .error)] : [])

/// One room of the house: a library target and the rooms it may know.
func room(_ name: String, knows: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .target(name: name, dependencies: knows, resources: resources, swiftSettings: house)
}

/// The tests of one room, with their fixtures.
func tests(_ name: String, of rooms: [Target.Dependency], fixtures: Bool = false) -> Target {
  .testTarget(
    name: name,
    dependencies: rooms,
    resources: fixtures ? [.copy("Fixtures")] : [],
    swiftSettings: house
  )
}

let package = Package(
  name: "mailtriage",
  products: [
    .executable(name: "mailtriage", targets: ["mailtriage"]),
    // For `scripts/fuzz` alone, which links it with libFuzzer.
    .library(name: "MailtriageFuzz", type: .static, targets: ["Fuzz"]),
    // For `scripts/bench` alone, which times single stages with it.
    .executable(name: "mailtriage-bench", targets: ["Bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CSQLiteSettings"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
    .systemLibrary(name: "CLZMA", pkgConfig: "liblzma", providers: [.apt(["liblzma-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(
      name: "CArchive",
      pkgConfig: "libarchive",
      providers: [.apt(["libarchive-dev"])]
    ),
    .systemLibrary(name: "CLDNS", pkgConfig: "ldns", providers: [.apt(["libldns-dev"])]),

    room("MailModel"),
    room("MailServers", knows: ["MailModel"]),
    room(
      "Store",
      knows: [
        "MailModel", "CSQLiteSettings", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ]
    ),
    room(
      "Intake",
      knows: ["MailModel", "Store", "CMalloc", "CISAL", "CLZMA", "CZstd", "CArchive"]
    ),
    room("Diagnosis", knows: ["MailModel"]),
    room("Forecast", knows: ["MailModel"]),
    room("Experiment", knows: ["MailModel", "COpenSSL", "CLDNS"]),
    room(
      "Triage",
      knows: ["MailModel", "Store", "Diagnosis", "Forecast", "Experiment"]
    ),
    room(
      "Reporting",
      knows: [
        "MailModel", "Store", "Diagnosis", "Forecast", "Triage",
        .product(name: "Mustache", package: "swift-mustache"),
      ],
      resources: [
        .embedInCode("Templates/report.html.mustache"),
        .embedInCode("Templates/report.md.mustache"),
        .embedInCode("Templates/page.html.mustache"),
      ]
    ),
    room(
      "Alerting",
      knows: [
        "MailModel", "Store", "Diagnosis", "Forecast", "Triage",
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]
    ),
    .executableTarget(
      name: "mailtriage",
      dependencies: [
        "MailModel", "MailServers", "Store", "Intake", "Diagnosis", "Forecast", "Experiment",
        "Triage", "Reporting", "Alerting", .product(name: "Yams", package: "Yams"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: house
    ),

    .target(
      name: "Fuzz",
      dependencies: ["MailModel", "MailServers", "Intake"],
      path: "Fuzz",
      exclude: ["Corpus"],
      swiftSettings: house
    ),

    .executableTarget(
      name: "Bench",
      dependencies: ["MailModel", "MailServers", "Store", "Intake"],
      path: "Benchmarks/Bench",
      swiftSettings: house
    ),

    .target(
      name: "TestSupport",
      dependencies: ["MailModel", "Experiment"],
      path: "Tests/TestSupport",
      exclude: ["Machine"],
      swiftSettings: house
    ),
    tests("MailModelTests", of: ["MailModel"]),
    tests("PostfixTests", of: ["MailModel", "MailServers", "TestSupport"], fixtures: true),
    tests("EximTests", of: ["MailModel", "MailServers", "TestSupport"], fixtures: true),
    tests("SendmailTests", of: ["MailModel", "MailServers", "TestSupport"], fixtures: true),
    tests(
      "ConformanceTests",
      of: ["mailtriage", "MailModel", "MailServers", "TestSupport"],
      fixtures: true
    ),
    tests(
      "StoreTests",
      of: ["MailModel", "Store", .product(name: "GRDB", package: "GRDB.swift")]
    ),
    tests(
      "IntakeTests",
      of: ["MailModel", "MailServers", "Store", "Intake", "Fuzz"],
      fixtures: true
    ),
    tests("DiagnosisTests", of: ["MailModel", "MailServers", "Diagnosis"], fixtures: true),
    tests("ForecastTests", of: ["MailModel", "Forecast"]),
    tests(
      "ExperimentTests",
      of: ["MailModel", "Experiment", "TestSupport"],
      fixtures: true
    ),
    tests("TriageTests", of: ["MailModel", "Triage"]),
    tests(
      "ReportingTests",
      of: ["MailModel", "Triage", "Reporting", "TestSupport"],
      fixtures: true
    ),
    tests("AlertingTests", of: ["MailModel", "Store", "Alerting"], fixtures: true),
    tests(
      "CommandTests",
      of: [
        "mailtriage", "MailModel", "Store", "Experiment", "Alerting", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      fixtures: true
    ),
  ],
  swiftLanguageModes: [.v6]
)
