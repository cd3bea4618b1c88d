// SPDX-License-Identifier: Apache-2.0
internal import BatchRun
internal import CommandLineInterface
internal import ConsumeRun
internal import Execution
internal import HTTPService
internal import KafkaClient
internal import RequestDispatch
internal import RunModel
internal import StateStore

/// The options of `consume`, read and judged before anything is touched.
struct ConsumeOptions {
  static let options: [Option] = [
    .value("from", "TOPIC", help: "Topic of the requests."),
    .value("to", "TOPIC", help: "Topic of the results; without it only payloads are published."),
    .value("group", "NAME", help: "Consumer group (default: algo-run.OWNER.NAME)."),
    .value("instance", "NAME", help: "Name of a member on a fixed host: a restart takes its partitions again at once."),
    .value("jobs", short: "j", "N", help: "Requests that run at the same time (default: number of cores)."),
    .value("brokers", "LIST", help: "host1:port1,host2:port2 (default: those of the home's connection)."),
    .repeatable("X", "NAME=VALUE", help: "A property for librdkafka, for both clients."),
    .value("insights-topic", "TOPIC", help: "Topic of the payloads on the same brokers (default: the connection's)."),
    .value(
      "result", "FORM", default: "value", completion: .choices(["value", "record"]),
      help: "Value of a result: that of the algorithm, or the execution record with it."),
    .value(
      "delivery", "HOW", default: "exactly-once", completion: .choices(["exactly-once", "at-least-once"]),
      help: "at-least-once is for brokers without transactions."),
    .value(
      "commit-interval", "D", default: "100ms", help: "Longest time that a result waits for its commit; 0s: none."),
    .value("commit-count", "N", default: "1000", help: "Results that are committed immediately, without that wait."),
    .value(
      "order", "ORDER", default: "none", completion: .choices(ConsumeSettings.Order.allCases.map(\.rawValue)),
      help: "Requests that run one after the other: none, those of a key, those of a partition."),
    .value("window", "N", default: "1024", help: "Requests of a partition that may end before an earlier one."),
    .value("retries", "N", default: "0", help: "Attempts of a failed request after its first."),
    .value("retry-delay", "D", default: "1s", help: "Wait before the first retry; doubles each time, at most 60s."),
    .value("dead-letter", "TOPIC", help: "Topic of requests that failed for good."),
    .value("max-crashes", "N", default: "3", help: "Deaths of algo-run that one request alone may cause."),
    .value(
      "on-failure", "ACTION", default: "record", completion: .choices(["record", "stop"]),
      help: "stop: end with status 1 at the first failed request, and leave it in the topic."),
    .value(
      "reply-to", "PATTERN",
      help: "Topics that requests may name for their result (kafka_replyTopic), such as replies-*."),
    .value(
      "start", "WHERE", default: "resume", completion: .choices(ConsumeSettings.Start.allCases.map(\.rawValue)),
      help: "A group without offsets begins at the earliest or latest request; earliest also goes on after lost ones."),
    .value(
      "drain", "D", default: "30s",
      help: "Time that running requests have after SIGTERM, and when their partition goes to another member."),
    .value("metrics", "HOST:PORT", help: "Serve figures for Prometheus at this address, as /metrics."),
    .flag("once", help: "End where the topic ends now."),
    .value(
      "progress", "HOW", default: "auto", completion: .choices(ProgressStyle.allCases.map(\.rawValue)),
      help: "A bar, plain lines, or none; auto is a bar on a terminal and plain lines elsewhere."),
  ]

  let reference: AlgorithmReference
  let results: String?
  let deadLetters: String?
  let isExactlyOnce: Bool
  let progress: ProgressStyle
  let metrics: ListenAddress?
  let worker: WorkerOptions
  private let invocation: Invocation
  private let requests: String
  private let insightsTopic: String?
  private let stopping: Stopping
  private let brokers: [String]?
  private let properties: [Connection.Property]

  init(_ invocation: Invocation) throws {
    self.invocation = invocation
    guard let text = invocation.argument("REF") else { throw invocation.missing("REF") }
    reference = try SharedOptions.reference(text)
    guard let requests = try Self.topic(invocation, "from") else { throw invocation.missing("--from TOPIC") }
    self.requests = requests
    results = try Self.topic(invocation, "to")
    deadLetters = try Self.topic(invocation, "dead-letter")
    insightsTopic = try Self.topic(invocation, "insights-topic")
    for (option, name) in [("--to", results), ("--dead-letter", deadLetters), ("--insights-topic", insightsTopic)]
    where name == requests {
      throw CommandError(
        exitCode: 64, sentence: "\(option) is the topic of the requests, whose records would run again; name another.")
    }
    isExactlyOnce = invocation.value("delivery") != "at-least-once"
    progress = invocation.value("progress").flatMap(ProgressStyle.init) ?? .auto
    metrics = try invocation.value("metrics").map { text throws(UsageError) in
      guard let address = ListenAddress(parsing: text) else {
        throw invocation.invalid("metrics", value: text, expected: "an address and a port such as 127.0.0.1:9464")
      }
      return address
    }
    worker = try WorkerOptions(invocation, ownsDrain: true)
    stopping = try Stopping(invocation)
    brokers = try invocation.value("brokers").map { list throws(UsageError) in
      try BrokerList.parse(list, assumedPort: nil, invocation)
    }
    properties = try invocation.values("X").map { text throws(UsageError) in
      guard let property = Connection.Property(parsing: text) else {
        throw invocation.invalid("X", value: text, expected: "NAME=VALUE")
      }
      return property
    }
  }

  private static func topic(_ invocation: Invocation, _ option: String) throws(UsageError) -> String? {
    guard let name = invocation.value(option) else { return nil }
    if let expected = ConnectionCheck.problem(withTopic: name) {
      throw invocation.invalid(option, value: name, expected: expected)
    }
    return name
  }

  /// The brokers, and how they are talked to.
  func connection(_ own: Connection?) throws(CommandError) -> Connection {
    var connection: Connection
    if let brokers {
      connection = Connection(kind: .plaintext, topic: requests, brokers: brokers)
    } else if let own, own.kind != .file {
      connection = own
    } else {
      throw CommandError(
        exitCode: 64,
        sentence:
          "there are no brokers to consume from; name them with --brokers, or set the connection with `algo-run "
          + "connection set`.")
    }
    if connection.isEventHubs, isExactlyOnce {
      throw CommandError(
        exitCode: 64, sentence: "Azure Event Hubs has no transactions here; pass --delivery at-least-once.")
    }
    connection.topic = requests
    connection.properties += properties
    return connection
  }

  /// Where payloads of a version go, as far as that is known without a broker.
  func route(of version: PublishedVersion, _ own: Connection?) -> PayloadRoute {
    guard version.insights else { return .none }
    if let insightsTopic { return .topic(insightsTopic) }
    guard let own, own.kind != .file else { return .outbox(own?.filePath ?? "insights.ndjson in the home") }
    return brokers == nil ? .topic(own.topic) : .connection(own)
  }

  /// All of it, for the version that was found.
  func settings(for version: PublishedVersion) throws -> ConsumeSettings {
    let algorithm = version.algorithm
    var group = GroupSettings(
      topic: requests, group: invocation.value("group") ?? "algo-run.\(algorithm.owner).\(algorithm.name)")
    group.instance = invocation.value("instance")
    for option in ["group", "instance"] {
      if let text = invocation.value(option), text.isEmpty || text.utf8.count > 249 {
        throw invocation.invalid(option, value: text, expected: "1 to 249 bytes")
      }
    }
    let start = invocation.value("start").flatMap(ConsumeSettings.Start.init) ?? .resume
    group.acceptsLoss = start == .earliest
    let command = invocation.commandLine.map { CommandWords.last($0.count) }
    var settings = ConsumeSettings(
      version: version, target: ExecutionTarget(version: version, command: command), group: group)
    settings.start = start
    settings.order = invocation.value("order").flatMap(ConsumeSettings.Order.init) ?? .none
    settings.window = try number("window", 1024, atLeast: 1)
    guard settings.window <= 16_384 else {
      throw invocation.invalid(
        "window", value: invocation.value("window") ?? "",
        expected: "at most 16384: brokers keep 4 KiB beside an offset")
    }
    settings.jobs = try number("jobs", JobLimit.processors, atLeast: 1)
    settings.limits = stopping.limits(for: version)
    settings.retries = RetryPolicy(
      limit: try number("retries", 0, atLeast: 0),
      firstDelay: try SharedOptions.duration(invocation, "retry-delay") ?? .seconds(1), longestDelay: .seconds(60))
    settings.resultForm = invocation.value("result").flatMap(ConsumeSettings.ResultForm.init) ?? .value
    settings.replyPattern = invocation.value("reply-to")
    settings.commitInterval = try SharedOptions.duration(invocation, "commit-interval") ?? .milliseconds(100)
    settings.commitCount = try number("commit-count", 1000, atLeast: 1)
    settings.maxCrashes = try number("max-crashes", 3, atLeast: 1)
    settings.stopsOnFailure = invocation.value("on-failure") == "stop"
    settings.drain = try SharedOptions.duration(invocation, "drain") ?? .seconds(30)
    settings.endsAtEnd = invocation.flag("once")
    settings.spillDirectory = HomeDirectory.processVariable("TMPDIR") ?? "/tmp"
    #if DEBUG
      // Takes parts of exactly-once away, so that tests can show that they would notice.
      let fault = HomeDirectory.processVariable("ALGO_RUN_CONSUME_FAULT")
      settings.ignoresMap = fault == "ignore-map"
      settings.dropsInheritedMap = fault == "drop-map"
      settings.group.readsUncommitted = fault == "read-uncommitted"
    #endif
    return settings
  }

  private func number(_ option: String, _ standard: Int, atLeast least: Int) throws(UsageError) -> Int {
    try SharedOptions.number(invocation, option, atLeast: least) ?? standard
  }
}
