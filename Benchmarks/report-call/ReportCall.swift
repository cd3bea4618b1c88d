// SPDX-License-Identifier: Apache-2.0
import AlgoMetrics

/// Times report() from Swift, as one line: the language and nanoseconds a call.
@main struct ReportCall {
  static func main() throws {
    let calls = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1
    let clock = ContinuousClock()
    let elapsed = try clock.measure {
      for number in 0..<calls { try report(["cats_detected": number, "score": 0.93]) }
    }
    print("swift", (elapsed / calls).components.attoseconds / 1_000_000_000)
  }
}
