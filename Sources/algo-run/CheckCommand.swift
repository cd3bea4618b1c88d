// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Execution
internal import JSONText
internal import MetricsIntake
internal import Platform
internal import RunModel

/// `algo-run check`: judges a metric stream as an execution's would be, without running anything.
enum CheckCommand: Subcommand {
  static let command = Command(
    name: "check",
    abstract: "Check a metric stream: accepted metrics, rejected metrics with reasons, bytes used and left.",
    discussion: "Exit status: 0 all accepted; 1 a metric would be rejected; 125 the stream cannot be read; 64 usage.",
    examples: [
      ("algo-run check metrics.ndjson", "check a file"),
      ("ALGO_METRICS_FD=3 python3 algo.py 3>&1 >/dev/null | algo-run check", "check the metrics of a program"),
    ],
    arguments: [Argument("FILE", arity: .optional, completion: .file, help: "The stream (default, or -: stdin).")],
    options: [
      SharedOptions.json,
      .value(
        "payload-format", "FORMAT", default: "standard",
        completion: .choices(PayloadFormat.allCases.map(\.rawValue)),
        help: "Payload format, which determines the reserved names."),
    ])

  static func run(_ invocation: Invocation) throws -> Int32 {
    let format = invocation.value("payload-format").flatMap(PayloadFormat.init) ?? .standard
    let metrics = try collect(from: invocation.argument("FILE") ?? "-", rules: MetricRules(format: format))
    let used = metrics.accepted.reduce(0) { $0 + $1.name.utf8.count + $1.number.utf8.count }
    let left = MetricRules.maximumPayloadBytes - used
    let warnings = metrics.accepted.flatMap { metric in
      MetricNameWarning.all(about: metric.name, in: format).map { (name: metric.name, warning: $0) }
    }
    let text =
      invocation.flag("json") ? json(metrics, warnings, used, left) : table(metrics, warnings, used, left)
    guard StandardOutput.write(text) else { return 1 }
    return metrics.rejected.isEmpty ? 0 : 1
  }

  private static func collect(from path: String, rules: MetricRules) throws -> CollectedMetrics {
    do throws(SystemError) {
      let input = path == "-" ? Descriptor.standardInput : try Descriptor.reading(path)
      var intake = MetricsIntake(rules: rules)
      try withUnsafeTemporaryAllocation(byteCount: 262_144, alignment: 16) { (buffer) throws(SystemError) in
        while true {
          switch input.read(into: buffer) {
          case .bytes(let count): intake.consume(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
          case .nothingNow: input.waitUntilReady(for: .read)
          case .endOfFile: return
          case .failed(let error): throw error
          }
        }
      }
      return intake.finish()
    } catch {
      throw CommandError(
        exitCode: 125,
        sentence:
          "cannot read \"\(TerminalText.escaped(path))\": \(error); name a file of metric lines, or pipe them to "
          + "algo-run check.")
    }
  }

  private typealias Warnings = [(name: String, warning: MetricNameWarning)]

  private static func table(_ metrics: CollectedMetrics, _ warnings: Warnings, _ used: Int, _ left: Int) -> [UInt8] {
    var text = Table.text(
      metrics.accepted.map { ["accepted", TerminalText.escaped($0.name, inQuotes: false), $0.number] })
    for rejection in metrics.rejected { text += "\(rejection)\n" }
    for (name, warning) in warnings { text += "warning: metric \"\(TerminalText.escaped(name))\" \(warning)\n" }
    text += "\(metrics.accepted.count) accepted, \(metrics.rejected.count) rejected; \(used) bytes used, \(left) left\n"
    return Array(text.utf8)
  }

  private static func json(_ metrics: CollectedMetrics, _ warnings: Warnings, _ used: Int, _ left: Int) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.name("metrics")
    json.beginObject()
    for metric in metrics.accepted { json.member(metric.name, number: metric.number) }
    json.endObject()
    json.name("rejected_metrics")
    json.beginArray()
    for rejection in metrics.rejected { ExecutionRecordJSON.write(rejection, to: &json) }
    json.endArray()
    json.name("warnings")
    json.beginArray()
    for (name, warning) in warnings {
      json.beginObject()
      json.member("name", name)
      json.member("detail", "\(warning)")
      json.endObject()
    }
    json.endArray()
    json.member("bytes_used", integer: used)
    json.member("bytes_left", integer: left)
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
