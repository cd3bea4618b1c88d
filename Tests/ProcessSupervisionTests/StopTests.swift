// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import ProcessSupervision
import RunModel
import Supervision
import Testing

@Suite struct StopTests {
  @Test func `a time limit sends the configured signal, and the exit reports both`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let output = Output()
        let child = try supervision.launch(
          "trap 'echo caught; exit 7' USR1; while :; do sleep 0.01; done", output: output
        ) {
          $0.limits.timeLimit = .milliseconds(100)
          $0.limits.stopSignal = SIGUSR1
          $0.limits.grace = .seconds(60)
        }
        let exit = supervision.end(of: child)
        // A shell that was too slow to set its trap was ended by the signal.
        require(exit.termination == .exited(code: 7) || exit.termination == .signaled(number: SIGUSR1))
        require(exit.timedOut)
      }
    }
  }

  @Test func `a child that ignores the stop signal is killed after the grace period`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let output = Output()
        let child = try supervision.launch("trap '' TERM; echo ready; while :; do sleep 0.01; done", output: output) {
          $0.limits.grace = .milliseconds(50)
        }
        supervision.turn { output.text() == "ready\n" }
        child.stop()
        child.stop()
        let exit = supervision.end(of: child)
        require(exit.termination == .signaled(number: SIGKILL))
        require(!exit.timedOut)
      }
    }
  }

  @Test func `a stopped process is continued so that it can act on the stop signal`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let output = Output()
        let child = try supervision.launch("echo ready; kill -STOP $$; sleep 60", output: output) {
          $0.limits.grace = .seconds(60)
        }
        supervision.turn { output.text() == "ready\n" }
        child.stop()
        require(supervision.end(of: child).termination == .signaled(number: SIGTERM))
      }
    }
  }

  @Test func `a signal reaches the whole group`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let output = Output()
        let child = try supervision.launch(
          "(trap 'echo descendant; exit' USR1; echo 1; while :; do sleep 0.01; done) & trap 'wait; exit 9' USR1; "
            + "echo 2; while :; do sleep 0.01; done", output: output)
        supervision.turn { output.count() == 4 }
        child.signal(SIGUSR1)
        require(supervision.end(of: child).termination == .exited(code: 9))
        require(output.text().hasSuffix("descendant\n"))
      }
    }
  }

  @Test func `signals for the process are reported to its owner, in order and once`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        kill(getpid(), SIGUSR1)
        supervision.turn { supervision.signals.count == 1 }
        kill(getpid(), SIGTERM)
        supervision.turn { supervision.signals.count == 2 }
        require(supervision.signals == [SIGUSR1, SIGTERM])
      }
    }
  }
}
