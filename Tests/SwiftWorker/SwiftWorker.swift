// SPDX-License-Identifier: Apache-2.0
import AlgoMetrics
import Glibc

/// The worker that Tests/bindings/test_workers.py speaks with: an input is a word that asks for something, or is counted.
@main
enum SwiftWorker {
  struct NoCats: Error, CustomStringConvertible {
    let description = "no cats\nat all"
  }

  nonisolated(unsafe) static var kept: AlgorithmRequest?
  nonisolated(unsafe) static var previous: Previous?

  static func main() throws {
    if CommandLine.arguments.dropFirst() == ["reverse"] {
      return try serve { (input: [UInt8]) -> [UInt8] in input.reversed() }
    }
    try serve { (input: String) throws -> String in
      switch input.split(separator: " ").first {
      case "fail": throw NoCats()
      case "print": print("printed")
      case "leave": exit(3)
      case "current": return describe(current())
      case "keep": kept = current()
      case "late": try kept?.report(["late": 1])
      case "isolated":
        try isolated(Int(input.split(separator: " ")[1]) ?? 0)
        return ""
      default: break
      }
      try report("letters", input.unicodeScalars.count)
      return "<\(input)>"
    }
  }

  static func describe(_ request: AlgorithmRequest?) -> String {
    let left = request?.deadline.map { ContinuousClock.now.duration(to: $0) }
    let deadline = left.map { $0 > .zero && $0 <= .seconds(90) ? "soon" : "wrong" } ?? "none"
    return "\(request?.id ?? "-") \(request?.reference ?? "-") \(deadline) \(request?.traceparent ?? "-")"
  }

  /// Reports in every way, and has the task, the thread and the child of the request before report now.
  static func isolated(_ number: Int) throws {
    try report("now", number)
    let onTime = Gate()
    Task.detached { @Sendable [request = current()] in
      try? request?.report(["handle": number])
      onTime.open()
    }
    onTime.wait()
    let inTask = Gate()
    Task {
      try? report("task", number)
      inTask.open()
    }
    inTask.wait()
    previous?.finish()
    previous = Previous(number)
  }
}
