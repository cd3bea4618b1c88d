// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import JSONText
internal import RunModel
internal import StateStore

/// `algo-run runs show`: the executions of one request ID, newest first.
enum RunsShow {
  static func run(_ invocation: Invocation, _ history: History) throws -> Int32 {
    let id = invocation.argument("REQUEST_ID") ?? ""
    var lines: [[UInt8]] = []
    try history.forEachLine(ofRequest: id) { lines.append($0) }
    if lines.isEmpty, !id.isEmpty {
      // A narrow table shows only the beginning of an ID.
      let matches = try history.requestIDs(beginningWith: id, limit: 2)
      guard matches.count < 2 else {
        Message.print("more than one request ID begins with \"\(TerminalText.escaped(id))\"; give more of it.")
        return 1
      }
      for match in matches { try history.forEachLine(ofRequest: match) { lines.append($0) } }
    }
    guard !lines.isEmpty else {
      Message.print("no execution \"\(TerminalText.escaped(id))\" is in the history; list them with: algo-run runs.")
      return 1
    }
    if invocation.flag("json") {
      return StandardOutput.write(lines.flatMap { $0 + [UInt8(ascii: "\n")] }) ? 0 : 1
    }
    return StandardOutput.write(lines.compactMap { JSONMembers($0) }.map(text).joined(separator: "\n")) ? 0 : 1
  }

  private static func text(_ run: JSONMembers) -> String {
    var rows: [[String]] = []
    for (name, value) in run.all where String(decoding: value, as: UTF8.self) != "null" {
      switch name {
      case "metrics":
        for metric in JSONMembers(value)?.all ?? [] {
          rows.append(["metric \(safe(metric.name))", plain(metric.value)])
        }
      case "rejected_metrics":
        for rejection in (JSONElements.of(value) ?? []).compactMap({ JSONMembers($0) }) {
          let subject = rejection.string("name").map { "\"\(safe($0))\"" } ?? "line \(rejection.integer("line") ?? 0)"
          rows.append([
            "rejected", "\(subject): \(rejection.string("reason") ?? "") (\(safe(rejection.string("detail") ?? "")))",
          ])
        }
      case "delivery":
        let delivery = JSONMembers(value)
        let detail = delivery?.string("detail").map { " (\(safe($0)))" } ?? ""
        rows.append([name, (delivery?.string("state") ?? "") + detail])
      default: rows.append([safe(name), JSONString.text(value).map(safe) ?? plain(value)])
      }
    }
    return Table.text(rows)
  }

  private static func safe(_ text: String) -> String { TerminalText.escaped(text, limit: 1000, inQuotes: false) }

  private static func plain(_ json: [UInt8]) -> String { String(decoding: json, as: UTF8.self) }
}
