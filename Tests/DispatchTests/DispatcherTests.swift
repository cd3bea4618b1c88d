// SPDX-License-Identifier: Apache-2.0
import Execution
import Glibc
import Platform
import RequestDispatch
import RunModel
import Supervision
import Testing

@Suite struct DispatcherTests {
  @Test func `as many jobs run as there are slots, and a waiting one starts when a slot is free`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(supervision, slots: 2, queueLimit: 1)
        let running = jobs.submit("exec sleep 60")
        let short = jobs.submit("exec sleep 60")
        require(jobs.dispatcher.hasRoom)
        let waiting = jobs.submit("exit 4")
        require(!jobs.dispatcher.hasRoom && jobs.dispatcher.runningCount == 2 && jobs.dispatcher.queuedCount == 1)
        jobs.dispatcher.stop(short)
        _ = jobs.record(of: short)
        require(jobs.record(of: waiting).ending == .ended(.exited(code: 4)))
        jobs.dispatcher.kill(running)
        require(jobs.record(of: running).ending == .ended(.signaled(number: SIGKILL)))
        require(jobs.dispatcher.isIdle && jobs.dispatcher.hasRoom)
      }
    }
  }

  @Test func `without a queue there is room only while a slot is free`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(supervision)
        require(jobs.dispatcher.hasRoom)
        let job = jobs.submit("exit 0")
        require(!jobs.dispatcher.hasRoom)
        _ = jobs.record(of: job)
        require(jobs.dispatcher.hasRoom)
      }
    }
  }

  @Test func `a failed job is tried again as often as the policy allows, with empty output each time`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(supervision, retries: RetryPolicy(limit: 2, firstDelay: .milliseconds(1)))
        let output = Collector()
        let failing = jobs.record(of: jobs.submit("echo once; exit 5", to: output))
        require(failing.attempts == 3 && failing.ending == .ended(.exited(code: 5)))
        require(output.attempts == 3 && output.output.text() == "once\n")
        require(jobs.record(of: jobs.submit("exit 0")).attempts == 1)
      }
    }
  }

  @Test func `a job that waits for another attempt holds no slot`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(supervision, retries: RetryPolicy(limit: 1, firstDelay: .seconds(600)))
        let failed = jobs.submit("exit 5")
        jobs.turn { jobs.dispatcher.runningCount == 0 }
        require(jobs.dispatcher.hasRoom && !jobs.dispatcher.isIdle)
        require(jobs.record(of: jobs.submit("exit 0")).outcome == .succeeded)
        require(jobs.results[failed] == nil)
      }
    }
  }

  @Test func `a job whose output could not be kept is not tried again`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(supervision, retries: RetryPolicy(limit: 2, firstDelay: .milliseconds(1)))
        let output = Collector()
        output.isLost = true
        require(jobs.record(of: jobs.submit("exit 5", to: output)).attempts == 1)
      }
    }
  }

  @Test func `a program that cannot be started is a failure immediately, and is not tried again`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(supervision, retries: RetryPolicy(limit: 2, firstDelay: .milliseconds(1)))
        let job = jobs.submit(["/no/such/program"])
        require(!jobs.dispatcher.isIdle && jobs.dispatcher.nextDue != nil)
        let record = jobs.record(of: job)
        require(record.outcome == .failedToStart && record.attempts == 1)
      }
    }
  }

  @Test func `a job waits while the system has no descriptor for it, and its attempt is not counted`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(supervision, slots: 2)
        // The guardian and the descriptors that every launch needs exist from here on.
        _ = jobs.record(of: jobs.submit("exit 0"))
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        var none = rlimit(rlim_cur: 0, rlim_max: limit.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none)
        let job = jobs.submit("exit 0")
        require(jobs.dispatcher.runningCount == 0 && !jobs.dispatcher.hasRoom && jobs.dispatcher.nextDue != nil)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let record = jobs.record(of: job)
        require(record.outcome == .succeeded && record.attempts == 1)
        require(jobs.dispatcher.hasRoom)
      }
    }
  }

  @Test func `when the halt rule is met nothing starts any more, and running jobs continue`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(
          supervision, slots: 3, retries: RetryPolicy(limit: 1, firstDelay: .milliseconds(1)), halt: .failures(2),
          queueLimit: 1)
        let running = jobs.submit("exec sleep 60")
        let failed = [jobs.submit("exit 1"), jobs.submit("exit 2")]
        let waiting = jobs.submit("exit 0")
        require(jobs.record(of: waiting).outcome == .succeeded)
        for job in failed { require(jobs.record(of: job).attempts == 2) }
        require(jobs.dispatcher.failuresAtHalt == 2 && !jobs.dispatcher.hasRoom)
        require(jobs.result(of: jobs.submit("exit 0"))?.isCanceled == true)
        require(jobs.dispatcher.runningCount == 1)
        jobs.dispatcher.kill(running)
        require(jobs.record(of: running).attempts == 1)
      }
    }
  }

  @Test func `no job starts while the halt rule is met if all that wait for another attempt fail`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(
          supervision, retries: RetryPolicy(limit: 1, firstDelay: .seconds(600)), halt: .failures(1))
        let failed = jobs.submit("exit 1")
        jobs.turn { jobs.dispatcher.runningCount == 0 }
        require(!jobs.dispatcher.hasRoom && jobs.dispatcher.failuresAtHalt == nil)
        jobs.dispatcher.finish()
        require(jobs.record(of: failed).attempts == 1)
      }
    }
  }

  @Test func `jobs that ended elsewhere count for the halt rule`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(supervision, halt: .failures(2))
        let unusable = ExecutionRecord.failedToStart(
          requestID: "req-2", version: nil, attempts: 0, at: Timestamp(microseconds: 0), reason: "it is empty.")
        jobs.dispatcher.count(unusable)
        require(jobs.dispatcher.hasRoom)
        jobs.dispatcher.count(unusable)
        require(!jobs.dispatcher.hasRoom && jobs.dispatcher.isIdle)
      }
    }
  }
}
