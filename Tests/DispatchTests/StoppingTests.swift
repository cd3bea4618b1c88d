// SPDX-License-Identifier: Apache-2.0
import Execution
import Glibc
import Platform
import RequestDispatch
import RunModel
import Supervision
import Testing

/// How jobs end before their time: by a deadline, one by one, or all.
@Suite struct StoppingTests {
  @Test func `a job whose deadline comes while it waits never starts`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(supervision, queueLimit: 3)
        let running = jobs.submit("exec sleep 60")
        let output = Collector()
        let late = jobs.submit("exit 0", to: output, deadline: .now() + .milliseconds(20))
        let patient = jobs.submit("exit 0", deadline: .now() + .seconds(600))
        let later = jobs.submit("exit 0", deadline: .now() + .milliseconds(60))
        require(jobs.result(of: late)?.hasExpired == true)
        require(jobs.result(of: later)?.hasExpired == true)
        require(output.attempts == 0 && jobs.dispatcher.queuedCount == 1)
        jobs.dispatcher.kill(running)
        require(jobs.record(of: patient).outcome == .succeeded)
      }
    }
  }

  @Test func `a job runs until its deadline at most, however long its time limit is`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(supervision)
        let job = jobs.submit("exec sleep 60", timeLimit: .seconds(600), deadline: .now() + .milliseconds(100))
        require(jobs.record(of: job).outcome == .timedOut)
      }
    }
  }

  @Test func `a job that is stopped ends without another attempt, wherever it is`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(
          supervision, retries: RetryPolicy(limit: 5, firstDelay: .seconds(600)), queueLimit: 1)
        let retrying = jobs.submit("exit 1")
        jobs.turn { jobs.dispatcher.runningCount == 0 }
        let running = jobs.submit("exec sleep 60")
        let waiting = jobs.submit("exit 0")
        jobs.dispatcher.stop(waiting)
        require(jobs.result(of: waiting)?.isCanceled == true)
        jobs.dispatcher.stop(running)
        require(jobs.record(of: running).ending == .canceled(.signaled(number: SIGTERM)))
        jobs.dispatcher.kill(retrying)
        require(jobs.record(of: retrying).ending == .ended(.exited(code: 1)))
        require(jobs.dispatcher.isIdle && jobs.dispatcher.hasRoom)
        // A job that is over is not found any more.
        jobs.dispatcher.kill(running)
      }
    }
  }

  @Test func `a dispatcher that is finished starts nothing, and the last attempt of each job counts`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(
          supervision, slots: 1, retries: RetryPolicy(limit: 5, firstDelay: .seconds(600)), queueLimit: 1)
        let retrying = jobs.submit("exit 1")
        jobs.turn { jobs.dispatcher.runningCount == 0 }
        let running = jobs.submit("exec sleep 60")
        let waiting = jobs.submit("exit 0")
        jobs.dispatcher.finish()
        require(!jobs.dispatcher.hasRoom && jobs.dispatcher.runningCount == 1)
        require(jobs.record(of: retrying).attempts == 1)
        require(jobs.result(of: waiting)?.isCanceled == true)
        jobs.dispatcher.kill(running)
        require(jobs.record(of: running).attempts == 1)
        require(jobs.dispatcher.isIdle)
      }
    }
  }

  @Test func `all that runs is stopped, and what ignores it is killed`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let jobs = Dispatching(supervision, slots: 2)
        let output = Collector()
        let polite = jobs.submit("exec sleep 60")
        let stubborn = jobs.submit("trap '' TERM; echo ready; while :; do sleep 0.01; done", to: output)
        jobs.turn { output.output.text() == "ready\n" }
        jobs.dispatcher.stop()
        require(jobs.record(of: polite).ending == .ended(.signaled(number: SIGTERM)))
        jobs.dispatcher.kill()
        require(jobs.record(of: stubborn).ending == .ended(.signaled(number: SIGKILL)))
      }
    }
  }
}
