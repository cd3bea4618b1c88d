// SPDX-License-Identifier: Apache-2.0
internal import BatchRun
internal import CommandLineInterface
internal import RunModel

/// The options of workers: the version's defaults with `publish`, others in their place with the commands that run it.
struct WorkerOptions {
  static let options: [Option] = [
    .invertible("isolate", help: "Workers: run each request in a fork of the loaded program (Python)."),
    .value("init-timeout", "D", help: "Workers: time until one is ready, apart from --timeout (5m)."),
    .value("max-requests", "N", help: "Workers: replace one after about N requests (0: never)."),
    .value("max-rss", "SIZE", help: "Workers: replace one that holds more memory after a request (0: no limit)."),
    .value("idle", "D", help: "Workers: end one after this time without a request; the last one stays (0s: never)."),
    .value("drain", "D", help: "Workers: time for running requests to finish at the end (30s)."),
  ]

  private let isolates: Bool?
  private let initTimeout: Duration?
  private let maxRequests: Int?
  private let maxResidentBytes: Int?
  private let idle: Duration?
  private let drain: Duration?
  /// The first one that was given, as users write it.
  private let given: String?

  /// - Parameter ownsDrain: whether the command has a `--drain` of its own, for requests of any version.
  init(_ invocation: Invocation, ownsDrain: Bool = false) throws(UsageError) {
    given = Self.options.first { invocation.isGiven($0.name) && !(ownsDrain && $0.name == "drain") }
      .map { "--\($0.name)" }
    isolates = invocation.optionalFlag("isolate")
    initTimeout = try SharedOptions.duration(invocation, "init-timeout")
    guard initTimeout != .zero else {
      throw invocation.invalid(
        "init-timeout", value: invocation.value("init-timeout") ?? "", expected: "more than zero")
    }
    maxRequests = try SharedOptions.number(invocation, "max-requests", atLeast: 0)
    maxResidentBytes = try invocation.value("max-rss").map { text throws(UsageError) in
      guard let bytes = ByteSize.parse(text) else {
        throw invocation.invalid("max-rss", value: text, expected: "a size such as 512MiB or 2G")
      }
      return bytes
    }
    idle = try SharedOptions.duration(invocation, "idle")
    drain = try SharedOptions.duration(invocation, "drain")
  }

  /// The settings that a version is published with; nil without `--worker`.
  func published(_ invocation: Invocation) throws(CommandError) -> WorkerSettings? {
    guard !invocation.flag("worker") else { return applied(to: WorkerSettings()) }
    guard let given = given ?? (invocation.flag("no-check") ? "--no-check" : nil) else { return nil }
    throw CommandError(exitCode: 64, sentence: "\(given) is a setting of workers; add --worker, or leave it out.")
  }

  /// The version with the given settings in place of its own.
  func applied(to version: PublishedVersion?) throws(CommandError) -> PublishedVersion? {
    guard let given else { return version }
    guard var version, let worker = version.worker else {
      throw CommandError(
        exitCode: 64,
        sentence: "\(given) is a setting of workers, but \(version?.reference ?? "a bare command") has a process for "
          + "each request; leave it out, or run a version that was published with --worker.")
    }
    version.worker = applied(to: worker)
    return version
  }

  /// The settings of any version, with the given ones in their place.
  func applied(to settings: WorkerSettings) -> WorkerSettings {
    var settings = settings
    settings.isolates = isolates ?? settings.isolates
    settings.initTimeout = initTimeout ?? settings.initTimeout
    settings.maxRequests = maxRequests ?? settings.maxRequests
    if let maxResidentBytes { settings.maxResidentBytes = maxResidentBytes == 0 ? nil : maxResidentBytes }
    if let idle { settings.idle = idle == .zero ? nil : idle }
    settings.drain = drain ?? settings.drain
    return settings
  }
}
