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
    guard !lines.isEmpty else {
      Message.print("no execution \"\(TerminalText.safe(id))\" is in the history; list them with: algo-run runs.")
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
        for rejection in elements(value) {
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

  private static func safe(_ text: String) -> String { TerminalText.safe(text, limit: 1000, inQuotes: false) }

  private static func plain(_ json: [UInt8]) -> String { String(decoding: json, as: UTF8.self) }

  /// The objects of an array: each is made the value of a member, which the reader of members then finds.
  private static func elements(_ array: [UInt8]) -> [JSONMembers] {
    var (elements, depth, start): ([JSONMembers], Int, Int?) = ([], 0, nil)
    var (inString, isEscaped) = (false, false)
    for (index, byte) in array.enumerated() {
      if inString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          inString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): inString = true
      case UInt8(ascii: "{"):
        if depth == 0 { start = index }
        depth += 1
      case UInt8(ascii: "}"):
        depth -= 1
        if depth == 0, let begin = start { JSONMembers(array[begin...index]).map { elements.append($0) } }
      default: break
      }
    }
    return elements
  }
}
