// SPDX-License-Identifier: Apache-2.0
import Execution
import Platform
import RunModel
import Testing

@testable import BatchRun

/// Figures in output that users and scripts read.
@Suite struct BatchFiguresTests {
  @Test func `a percentile differs from the true one by less than one percent`() throws {
    var histogram = DurationHistogram()
    var generator = SystemRandomNumberGenerator()
    var durations: [Int64] = []
    for _ in 0..<20_000 {
      // From 50 µs to more than a day, evenly over the powers of two.
      let microseconds = Int64(50) << Int64.random(in: 0...30, using: &generator)
      let spread = microseconds + Int64.random(in: 0...microseconds, using: &generator)
      durations.append(spread)
      histogram.count(.microseconds(spread))
    }
    durations.sort()
    for percent in [1, 50, 95, 99, 100] {
      let exact = durations[max(1, (durations.count * percent + 99) / 100) - 1]
      let reported = try #require(histogram.percentile(percent)).wholeMicroseconds
      #expect(abs(Double(reported - exact)) <= 0.01 * Double(exact) + 1, "p\(percent): \(reported) for \(exact)")
    }
    #expect(DurationHistogram().percentile(50) == nil)
  }

  @Test func `sizes are read in powers of 1,024`() {
    #expect(ByteSize.parse("64MiB") == 64 << 20)
    #expect(ByteSize.parse("64M") == 64 << 20)
    #expect(ByteSize.parse("1g") == 1 << 30)
    #expect(ByteSize.parse("65536") == 65_536)
    for text in ["", "MiB", "1.5M", "-1", "1T", "99999999999999999999", "9999999999999G"] {
      #expect(ByteSize.parse(text) == nil, "\(text)")
    }
  }

  @Test func `the progress line never fills the terminal's width, however narrow`() {
    var text = ProgressText()
    (text.done, text.total, text.failed, text.rate, text.payloadsWaiting) = (123_456, 1_000_000, 789, 210, 4321)
    for columns in 1...200 {
      #expect(text.bar(columns: columns).count < columns)
    }
    let wide = text.bar(columns: 150)
    for part in ["123,456/1,000,000", "789 failed", "210/s", "ETA 1h09m", "4,321 payloads waiting", "[####", " 12%"] {
      #expect(wide.contains(part), "\(part) in \(wide)")
    }
    #expect(text.bar(columns: 30).contains("123,456/1,000,000"))
    #expect(text.plain == "progress: 123,456/1,000,000, 789 failed, 210/s, ETA 1h09m, 4,321 payloads waiting (12%)")
  }

  @Test func `the exit status distinguishes an interrupted batch, failed requests and success`() {
    func record(_ outcome: Outcome) -> ExecutionRecord {
      let ending: Ending =
        switch outcome {
        case .succeeded: .ended(.exited(code: 0))
        case .failed: .ended(.exited(code: 1))
        case .signaled: .ended(.signaled(number: 9))
        case .timedOut: .timedOut(.signaled(number: 15))
        case .canceled: .canceled(nil)
        case .failedToStart: .failedToStart(reason: "it is not there")
        }
      return ExecutionRecord(
        requestID: "r", version: nil, ending: ending, attempts: 1, startedAt: Timestamp(microseconds: 0),
        duration: .milliseconds(5), usage: nil, metrics: .none)
    }
    func summary(
      _ outcomes: [Outcome], _ stopReason: StopReason? = nil, notRun: Int? = 0, canResume: Bool = true
    ) -> BatchSummary {
      var tally = BatchTally()
      for outcome in outcomes { tally.count(record(outcome), truncated: false) }
      return BatchSummary(
        algorithm: "a/b/1.0.0", tally: tally, stopReason: stopReason, notRun: notRun, canResume: canResume,
        elapsed: .seconds(1),
        drained: .zero, payloads: .none, lateMetrics: 0)
    }
    #expect(summary([.succeeded]).exitStatus == 0)
    #expect(summary([]).exitStatus == 0)
    for outcome in Outcome.allCases where outcome != .succeeded {
      #expect(summary([.succeeded, outcome]).exitStatus == 1)
    }
    #expect(summary([.succeeded], .interrupted(after: nil)).exitStatus == 130)
    #expect(summary([.failed], .halted).exitStatus == 1)
    #expect(summary([], .executorFailed(.temporaryFile(SystemError(28)))).exitStatus == 1)
    let rest = "; 7 requests not run; run again with --resume for the rest"
    #expect(summary([.succeeded], .interrupted(after: nil), notRun: 7).lines.last == "interrupted" + rest)
    #expect(summary([.failed], .halted, notRun: 7).lines.last == "halted by --halt-after" + rest)
    #expect(summary([.succeeded], .interrupted(after: nil)).lines.last == "interrupted; all requests had run")
    #expect(
      summary([.succeeded], .interrupted(after: nil), notRun: nil, canResume: false).lines.last
        == "interrupted; with --output FILE it could be resumed")
  }

  @Test func `start failures are listed by reason with their counts, and beyond five only counted`() {
    var reasons = StartFailureReasons()
    #expect(reasons.lines(except: nil).isEmpty)
    for _ in 0..<1200 { reasons.count("no such program") }
    reasons.count("the line is empty")
    #expect(
      reasons.lines(except: nil)
        == ["1,200 requests never started: no such program", "1 request never started: the line is empty"])
    #expect(
      reasons.lines(except: "no such program") == ["1 request never started: the line is empty"], "printed before")
    for number in 1...1000 { reasons.count("reason \(number)") }
    reasons.count("no such program")
    let lines = reasons.lines(except: nil)
    #expect(lines.count == 6)
    #expect(lines[0] == "1,201 requests never started: no such program")
    #expect(lines[5] == "997 requests never started for other reasons; see the results")
  }
}
