// SPDX-License-Identifier: Apache-2.0
import MetricsIntake
import RunModel
// The release build does not import it unasked. Here it has the clock.
import _Concurrency

/// Parses and validates metric lines, as `exec` does with what comes through descriptor 3, and prints the rates.
///
/// The whole way of an execution is in it: an intake of its own, pieces as large as a pipe gives them, and the judgement
/// at the end. Streams are just below the limit of one execution.
@main
struct ValidationBench {
  static func main() {
    let typical = (0..<12).map { "\"feature_\($0)_drift\": \(Double($0) * 0.0817 + 0.001)" }.joined(separator: ", ")
    measure("12 metrics a line", line: "{" + typical + "}\n")
    measure("one metric a line", line: "{\"cats_detected\": 24}\n")
  }

  private static func measure(_ name: String, line: String) {
    let bytes = Array(line.utf8)
    var stream: [UInt8] = []
    while stream.count + bytes.count < MetricRules.maximumStreamBytes { stream += bytes }
    var rates: [Double] = []
    for _ in 0..<20 {
      let streams = 20
      let time = ContinuousClock().measure {
        for _ in 0..<streams where collect(stream).accepted.isEmpty { print("nothing was accepted") }
      }
      rates.append(Double(stream.count * streams) / 1e6 / (time / .seconds(1)))
    }
    rates.sort()
    print("\(name)\t\(Int(rates[rates.count / 2]))\tMB/s")
  }

  private static func collect(_ stream: [UInt8]) -> CollectedMetrics {
    var intake = MetricsIntake(rules: MetricRules(format: .standard))
    stream.withUnsafeBytes { all in
      var start = 0
      while start < all.count {
        let end = min(start + 65_536, all.count)
        intake.consume(UnsafeRawBufferPointer(rebasing: all[start..<end]))
        start = end
      }
    }
    return intake.finish()
  }
}
