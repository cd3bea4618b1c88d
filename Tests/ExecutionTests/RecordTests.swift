// SPDX-License-Identifier: Apache-2.0
import Execution
import Glibc
import Platform
import ProcessSupervision
import RunModel
import Supervision
import Testing

/// An execution that started always ends in a record, whatever becomes of its process.
@Suite struct RecordTests {
  @Test func `a record holds what was observed, and the payload merges it with the reported metrics`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let (record, output) = try supervision.run("echo result; echo '{\"score\": 0.10, \"e\": \"x\"}' >&3") {
          $0.attempt = 2
        }
        require(record.requestID == "req-7" && record.attempts == 2)
        require(record.ending == .ended(.exited(code: 0)) && record.outcome == .succeeded)
        require(record.duration > .zero && record.usage != nil)
        require(record.metrics.accepted.map(\.number) == ["0.10"])
        require(record.metrics.rejected.map(\.reason) == [.notANumber])
        require(output.text() == "result\n")
        let payload = String(decoding: record.payload ?? [], as: UTF8.self)
        require(payload.hasPrefix("{\"request_id\":\"req-7\",\"timestamp\":\"\(record.startedAt)\""))
        require(payload.hasSuffix("\"algorithm_version\":\"1.2.3\",\"score\":0.10}"))
      }
    }
  }

  @Test func `metrics of an execution that crashes or runs out of time are kept`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let (crash, _) = try supervision.run("echo '{\"a\": 1}' >&3; kill -ABRT $$")
        require(crash.ending == .ended(.signaled(number: SIGABRT)) && crash.metrics.accepted.count == 1)
        let (late, _) = try supervision.run("echo '{\"a\": 1}' >&3; exec sleep 60") {
          $0.limits.timeLimit = .milliseconds(300)
        }
        require(late.ending == .timedOut(.signaled(number: SIGTERM)))
        require(late.outcome == .timedOut && late.payload != nil)
      }
    }
  }

  @Test func `an execution that cannot start throws, and its record has the reason and no payload`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let executor = ProcessExecutor(on: supervision)
        let request = ExecutionRequest(
          id: "req-1", target: ExecutionTarget(version: nil, command: [OSString("no-such-program")]),
          limits: RunLimits(), trace: nil)
        var failure: StartFailure?
        do throws(StartFailure) { _ = try executor.start(request, output: nil) } catch { failure = error }
        require(failure == .launch(.notFound(program: "no-such-program")))
        require(failure?.isPassing == false && failure?.exitStatus == 127)
        require(executor.freeSlots == 4)
        let record = request.failedToStart(at: WallClock.now(), because: "it is not there")
        require(record.outcome == .failedToStart && record.termination == nil && record.usage == nil)
        require(record.payload == nil && record.insightsRecord == nil)
      }
    }
  }

  @Test func `only a version with Insights has a record for Kafka; its headers name version and outcome`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let trace = TraceContext(parsing: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        let (record, _) = try supervision.run("exit 3") { $0.trace = trace }
        let headers = Dictionary(
          uniqueKeysWithValues: (record.insightsRecord?.headers ?? []).map { ($0.name, $0.value) })
        require(record.insightsRecord?.key == "req-7")
        require(headers["ce_source"] == "/demo/test/1.2.3" && headers["ce_id"] == "req-7")
        require(headers["algo_outcome"] == "failed" && headers["algo_exit_code"] == "3")
        require(headers["traceparent"] == trace?.description)
        require(try supervision.run("exit 0", insights: false).record.insightsRecord == nil)
      }
    }
  }

  @Test(arguments: [
    (Ending.ended(.exited(code: 0)), Outcome.succeeded, Int32(0)), (.ended(.exited(code: 9)), .failed, 9),
    (.ended(.signaled(number: 15)), .signaled, 143), (.timedOut(.exited(code: 0)), .timedOut, 124),
    (.timedOut(.signaled(number: 9)), .timedOut, 124), (.failedToStart(reason: "x"), .failedToStart, 125),
  ]) func `each ending has one outcome and one exit status`(ending: Ending, outcome: Outcome, status: Int32) {
    let record = ExecutionRecord(
      requestID: "r", version: nil, ending: ending, attempts: 1, startedAt: Timestamp(microseconds: 0), duration: .zero,
      usage: nil, metrics: .none)
    #expect(record.outcome == outcome)
    #expect(record.exitStatus == status)
    #expect((record.endingSignal != nil) == (outcome == .signaled))
  }
}
