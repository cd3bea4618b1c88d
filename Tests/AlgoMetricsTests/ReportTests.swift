// SPDX-License-Identifier: Apache-2.0
import AlgoMetrics
import Glibc
import Testing

/// Forms of a call and kinds of a number.
struct ReportTests {
  @Test func `A literal keeps the order it is written in, and takes variables of any number type`() async {
    await #expect(processExitsWith: .success) {
      let channel = Channel()
      let score = 0.93
      let count: UInt8 = 24
      let exact: MetricValue = 3
      try report(["z": count, "score": score, "a": -7, "small": Float(0.1), "half": Float16(0.1), "exact": exact])
      #expect(channel.written() == #"{"z":24,"score":0.93,"a":-7,"small":0.1,"half":0.1,"exact":3}"# + "\n")
    }
  }

  @Test func `One metric needs no literal`() async {
    await #expect(processExitsWith: .success) {
      let channel = Channel()
      try report("cats_detected", 24)
      #expect(channel.written() == "{\"cats_detected\":24}\n")
    }
  }

  @Test func `A dictionary can be reported`() async {
    await #expect(processExitsWith: .success) {
      let channel = Channel()
      let metrics: [String: any MetricNumber] = ["score": 0.5]
      try report(contentsOf: metrics)
      #expect(channel.written() == "{\"score\":0.5}\n")
    }
  }

  @Test func `An empty call writes nothing`() async {
    await #expect(processExitsWith: .success) {
      let channel = Channel()
      try report([:])
      #expect(channel.written() == "")
    }
  }

  @Test func `An integer of any width loses no digit`() async {
    await #expect(processExitsWith: .success) {
      let channel = Channel()
      try report(["wide": Int128.max, "unsigned": UInt64.max])
      let expected = "{\"wide\":170141183460469231731687303715884105727,\"unsigned\":18446744073709551615}\n"
      #expect(channel.written() == expected)
    }
  }

  @Test func `Decimal text that is not a number is refused by the name of the metric`() async {
    await #expect(processExitsWith: .success) {
      let channel = Channel()
      for text in ["", "cat", "1.", ".5", "01", "+1", "0x10", "1e", "1e+", "--1", "1 ", "١", "nan", "inf"] {
        let error = #expect(throws: MetricError.self) {
          try report(["good": 1, "label": MetricValue(decimal: text)])
        }
        #expect(error == .notANumber(name: "label", text: text))
        #expect(error?.description.hasPrefix("metric \"label\" is not a number but \"") == true)
      }
      #expect(channel.written() == "")
    }
  }

  @Test func `Decimal text may be a token of what is not finite`() async {
    await #expect(processExitsWith: .success) {
      let channel = Channel()
      for text in ["NaN", "Infinity", "-Infinity"] {
        try report("x", MetricValue(decimal: text))
        #expect(channel.written() == "{\"x\":\(text)}\n")
      }
    }
  }

  @Test func `A mistake is thrown without a supervisor too`() async {
    await #expect(processExitsWith: .success) {
      unsetenv("ALGO_METRICS_FD")
      #expect(throws: MetricError.emptyName) { try report("", 1) }
      #expect(throws: MetricError.reservedName("timestamp")) { try report("timestamp", 1) }
    }
  }
}
