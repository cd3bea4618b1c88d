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

  nonisolated(unsafe) static var sharedChannel: CInt = 3
  nonisolated(unsafe) static var running = 0
  nonisolated(unsafe) static var lateTask: (mayReport: Gate, reported: Gate)?

  static func main() throws {
    // While a request runs, its own stands there.
    sharedChannel = dup(3)
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
      case "shared":
        shared(Int(input.split(separator: " ")[1]) ?? 0)
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

  /// As if all requests had one channel, whose lines belong to the request that runs: the task of the request before
  /// writes to it now.
  static func shared(_ number: Int) {
    running += 1
    writeToShared("now", number)
    lateTask?.mayReport.open()
    lateTask?.reported.wait()
    let (mayReport, reported) = (Gate(), Gate())
    Task.detached {
      mayReport.wait()
      writeToShared("late_task", number)
      reported.open()
    }
    lateTask = (mayReport, reported)
  }

  static func writeToShared(_ name: String, _ value: Int) {
    let line = Array("\u{1e}\(running) {\"\(name)\":\(value)}\n".utf8)
    _ = line.withUnsafeBytes { write(sharedChannel, $0.baseAddress, $0.count) }
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
