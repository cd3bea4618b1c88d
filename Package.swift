// swift-tools-version: 6.3
// SPDX-License-Identifier: Apache-2.0
// Targets are in the order a run flows through them. This is the only place where the direction of a dependency
// is written: a module imports what is listed for it here, and nothing else.
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// For the modules that touch C: every unsafe use is marked in place.
let touchesC: [SwiftSetting] = strict + [.strictMemorySafety()]

let package = Package(
  name: "algo-run",
  products: [
    .executable(name: "algo-run", targets: ["algo-run"]),
    .library(name: "AlgoMetrics", targets: ["AlgoMetrics"]),
  ],
  targets: [
    // Composition: one file a subcommand.
    .executableTarget(
      name: "algo-run",
      dependencies: [
        "BatchRun", "CommandLineInterface", "Comparison", "ConsumeRun", "Delivery", "Execution", "ExecutionFiles",
        "HTTPService",
        "JSONText",
        "KafkaClient", "MetricsIntake", "Platform", "ProcessSupervision", "RequestDispatch", "RunModel",
        "ServerCommands", "StateStore",
      ],
      swiftSettings: strict),
    .target(name: "CommandLineInterface", swiftSettings: strict),
    .testTarget(
      name: "CommandLineInterfaceTests", dependencies: ["CommandLineInterface"], swiftSettings: strict),

    // The long-running commands.
    .target(
      name: "ServerCommands",
      dependencies: [
        "CDocuments", "Console", "Delivery", "Execution", "ExecutionFiles", "HTTPService", "JSONText", "KafkaClient",
        "Platform", "ProcessSupervision", "RequestDispatch", "RunModel", "StateStore",
      ],
      swiftSettings: strict),

    // docs/openapi.json as bytes.
    .target(name: "CDocuments"),
    // Pages of the web console: values → bytes. Pure.
    .target(
      name: "Console", dependencies: ["CAssets", "Comparison", "JSONText", "RunModel"],
      swiftSettings: touchesC),
    // The style sheet and the script, embedded.
    .target(name: "CAssets", exclude: ["files"]),
    .testTarget(name: "ConsoleTests", dependencies: ["Console", "RunModel"], swiftSettings: strict),

    // HTTP: connections, requests, responses. It knows no process.
    .target(
      name: "HTTPService", dependencies: ["CMicroHTTPD", "JSONText", "Platform", "RunModel"], swiftSettings: touchesC),
    .target(name: "CMicroHTTPD"),
    .testTarget(
      name: "HTTPServiceTests", dependencies: ["HTTPService", "Platform", "RunModel"], swiftSettings: strict),

    // A file of requests, and one request.
    .target(
      name: "BatchRun",
      dependencies: [
        "Execution", "JSONText", "Platform", "ProcessSupervision", "RequestDispatch", "RunModel",
      ],
      swiftSettings: strict),
    // Without pkg-config, like CSQLite: the release build links it statically.
    .systemLibrary(name: "CCrypto"),

    // A topic of requests, as a member of a consumer group.
    .target(
      name: "ConsumeRun",
      dependencies: [
        "BatchRun", "CCrypto", "Execution", "HTTPService", "JSONText", "KafkaClient", "Platform",
        "ProcessSupervision", "RequestDispatch", "RunModel",
      ],
      swiftSettings: strict),
    .testTarget(name: "ConsumeRunTests", dependencies: ["ConsumeRun", "KafkaClient"], swiftSettings: strict),

    .testTarget(
      name: "BatchRunTests",
      dependencies: ["BatchRun", "Execution", "JSONText", "Platform", "ProcessSupervision", "RunModel"],
      swiftSettings: strict),
    // Its folder is Dispatch. The module is not: the system has one of that name, which Foundation imports.
    .target(
      name: "RequestDispatch", dependencies: ["Execution", "Platform", "ProcessSupervision", "RunModel"],
      path: "Sources/Dispatch", swiftSettings: strict),
    .testTarget(
      name: "DispatchTests",
      dependencies: [
        "Execution", "Platform", "ProcessSupervision", "RequestDispatch", "RunModel", "Supervision",
      ],
      swiftSettings: strict),
    .target(
      name: "Execution",
      dependencies: ["CCrypto", "JSONText", "MetricsIntake", "Platform", "ProcessSupervision", "RunModel"],
      swiftSettings: strict),
    .testTarget(
      name: "ExecutionTests", dependencies: ["Execution", "Platform", "ProcessSupervision", "RunModel", "Supervision"],
      swiftSettings: strict),

    // The modules that a request passes through.
    .target(
      name: "StateStore", dependencies: ["CCrypto", "CSQLite", "JSONText", "Platform", "RunModel"],
      swiftSettings: touchesC),
    .testTarget(name: "StateStoreTests", dependencies: ["Platform", "RunModel", "StateStore"], swiftSettings: strict),
    .target(
      name: "ProcessSupervision", dependencies: ["CProcessLaunch", "Platform", "RunModel"], swiftSettings: touchesC),
    .testTarget(
      name: "ProcessSupervisionTests", dependencies: ["Platform", "ProcessSupervision", "RunModel", "Supervision"],
      swiftSettings: strict),
    // A supervisor in a process of its own, for tests of the modules above it.
    .target(
      name: "Supervision", dependencies: ["Platform", "ProcessSupervision"], path: "Tests/Supervision",
      swiftSettings: strict),
    .target(name: "CProcessLaunch", dependencies: ["CPlatform"]),
    .target(name: "MetricsIntake", dependencies: ["JSONText", "RunModel"], swiftSettings: strict),
    .testTarget(name: "MetricsIntakeTests", dependencies: ["MetricsIntake", "RunModel"], swiftSettings: strict),
    .target(
      name: "Delivery", dependencies: ["JSONText", "KafkaClient", "Platform", "RunModel", "StateStore"],
      swiftSettings: strict),
    .target(name: "KafkaClient", dependencies: ["CRDKafka", "Platform", "RunModel"], swiftSettings: touchesC),
    .target(name: "CRDKafka"),
    // Without pkg-config: its search path would come before that of the release build, which links SQLite statically.
    .systemLibrary(name: "CSQLite"),

    // Samples of two versions → statistics, verdicts, gates. Pure.
    .target(name: "Comparison", dependencies: ["RunModel"], swiftSettings: strict),
    .testTarget(
      name: "ComparisonTests", dependencies: ["Comparison", "RunModel"], exclude: ["golden.py"],
      swiftSettings: strict),

    // Lines of files → executions and columns of their values.
    .target(
      name: "ExecutionFiles", dependencies: ["Comparison", "JSONText", "Platform", "RunModel"], swiftSettings: strict),
    .testTarget(
      name: "ExecutionFilesTests", dependencies: ["Comparison", "ExecutionFiles", "RunModel"], swiftSettings: strict),

    // JSON as text: numbers stay as they are written.
    .target(name: "JSONText", swiftSettings: strict),
    .testTarget(name: "JSONTextTests", dependencies: ["JSONText"], swiftSettings: strict),

    // The system: event loop, descriptors, threads, clocks, messages on stderr.
    .target(name: "Platform", dependencies: ["CPlatform", "RunModel"], swiftSettings: touchesC),
    .target(name: "CPlatform"),
    .testTarget(name: "PlatformTests", dependencies: ["Platform", "RunModel"], swiftSettings: strict),

    // Values that every module uses.
    .target(name: "RunModel", swiftSettings: strict),
    .testTarget(name: "RunModelTests", dependencies: ["RunModel"], swiftSettings: strict),

    // The import of an algorithm written in Swift.
    .target(name: "AlgoMetrics", swiftSettings: strict),
    .testTarget(name: "AlgoMetricsTests", dependencies: ["AlgoMetrics"], swiftSettings: strict),
    // A worker for tests of the protocol and of the supervisor.
    .executableTarget(
      name: "swift-worker", dependencies: ["AlgoMetrics"], path: "Tests/SwiftWorker", swiftSettings: strict),

    .testTarget(
      name: "DeliveryTests",
      dependencies: [
        "CRDKafka", "Delivery", "DeliverySimulation", "KafkaClient", "MockKafka", "Platform", "RunModel", "StateStore",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "KafkaClientTests", dependencies: ["CRDKafka", "KafkaClient", "MockKafka", "RunModel"],
      swiftSettings: strict),
    // Delivery in a simulated world: part of the tests, and run with many seeds by `make check`.
    .target(
      name: "DeliverySimulation", dependencies: ["Delivery", "KafkaClient", "Platform", "RunModel", "StateStore"],
      path: "Tests/DeliverySimulation", swiftSettings: strict),
    .executableTarget(
      name: "delivery-simulation", dependencies: ["DeliverySimulation", "Platform"],
      path: "Tests/DeliverySimulationRunner", exclude: ["run.sh"], swiftSettings: strict),
    // librdkafka's own mock cluster, for tests of both.
    .target(name: "MockKafka", dependencies: ["CRDKafka"], path: "Tests/MockKafka", swiftSettings: strict),

    // Benchmarks that `make bench` runs beside the binary.
    .executableTarget(
      name: "validation-bench", dependencies: ["MetricsIntake", "RunModel"], path: "Benchmarks/validation",
      swiftSettings: strict),
    .executableTarget(
      name: "delivery-bench", dependencies: ["Delivery", "Platform", "RunModel", "StateStore"],
      path: "Benchmarks/delivery", swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu17
)
