// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import JSONText
internal import RunModel
internal import StateStore

/// `algo-run versions`: lists published versions.
enum VersionsCommand: Subcommand {
  static let command = Command(
    name: "versions",
    abstract: "List published versions: reference, Insights, date and command.",
    discussion: "Exit status: 0 listed; 1 nothing matches REF, or the state cannot be read; 64 usage.",
    examples: [
      ("algo-run versions", "all versions of all algorithms"),
      ("algo-run versions demo/iris/1.2", "the versions 1.2.*"),
      ("algo-run versions --json | jq '.[] | select(.insights)'", "versions with Insights on, all members"),
    ],
    arguments: [
      Argument("REF", arity: .optional, completion: .reference, help: "OWNER/NAME, or with /1, /1.2, /1.2.* or /1.2.0.")
    ],
    options: [SharedOptions.json, SharedOptions.home])

  static func run(_ invocation: Invocation) throws -> Int32 {
    let reference = try invocation.argument("REF").map { try SharedOptions.reference($0) }
    let home = try SharedOptions.home(invocation)
    let versions = try VersionStore(home: home).versions(matching: reference)
    let absence = SharedOptions.absence(of: home)
    if let absence { Message.print("\(absence), so nothing is published there; publish a version, or check --home.") }
    if invocation.flag("json") { return StandardOutput.write(json(versions)) ? 0 : 1 }
    guard !versions.isEmpty else {
      if absence == nil {
        Message.print(
          reference.map { "no version of \($0) is published; list all with: algo-run versions." }
            ?? "nothing is published yet; start with: algo-run publish OWNER/NAME -- COMMAND.")
      }
      return reference == nil ? 0 : 1
    }
    var rows = [["VERSION", "INSIGHTS", "RUNS", "PUBLISHED", "COMMAND"]]
    for version in versions {
      rows.append([
        version.reference, version.insights ? "on" : "off", runs(version.worker),
        String(version.publishedAt.description.prefix(19)) + "Z",
        ShellText.commandLine(version.command),
      ])
    }
    return StandardOutput.write(Table.text(rows)) ? 0 : 1
  }

  private static func runs(_ worker: WorkerSettings?) -> String {
    worker.map { $0.isolates ? "isolated" : "worker" } ?? "process"
  }

  private static func write(_ worker: WorkerSettings?, to json: inout JSONWriter) {
    guard let worker else { return json.null() }
    json.beginObject()
    json.name("isolate")
    json.boolean(worker.isolates)
    json.member("init_timeout", DurationText.format(worker.initTimeout))
    json.member("max_requests", integer: worker.maxRequests)
    json.member("max_rss_bytes", integer: worker.maxResidentBytes)
    json.member("idle", orNull: worker.idle.map { DurationText.format($0) })
    json.member("drain", DurationText.format(worker.drain))
    json.endObject()
  }

  private static func json(_ versions: [PublishedVersion]) -> [UInt8] {
    var json = JSONWriter()
    json.beginArray()
    for version in versions {
      json.beginObject()
      json.member("algorithm", version.algorithm.description)
      json.member("version", version.version.description)
      json.name("insights")
      json.boolean(version.insights)
      json.name("command")
      json.beginArray()
      for word in version.command { json.string(word) }
      json.endArray()
      json.member("directory", orNull: version.directory)
      json.member("timeout", orNull: version.timeLimit.map { DurationText.format($0) })
      json.name("environment")
      json.beginObject()
      for variable in version.environment { json.member(variable.name, variable.value) }
      json.endObject()
      json.name("worker")
      write(version.worker, to: &json)
      json.member("notes", version.notes)
      json.member("published_at", version.publishedAt.description)
      json.endObject()
    }
    json.endArray()
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
