// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import ProcessSupervision
import RunModel
import Supervision
import Testing

@Suite struct ChildEndTests {
  @Test func `exit code, output and resources are reported once the child has ended`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let output = Output()
        let child = try supervision.launch("echo out; echo metrics >&3; exit 3", output: output)
        require(child.exit == nil)
        let exit = supervision.end(of: child)
        require(exit.termination == .exited(code: 3))
        require(!exit.timedOut)
        require(exit.duration > .zero)
        require(exit.usage != nil)
        require(output.text(1) == "out\n")
        require(output.text(3) == "metrics\n")
      }
    }
  }

  @Test func `the signal that ended a child is reported`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let child = try supervision.launch("kill -USR2 $$; sleep 60")
        require(supervision.end(of: child).termination == .signaled(number: SIGUSR2))
      }
    }
  }

  @Test func `each of many children ends with its own exit code and output`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let children = try (0..<40).map { number in
          let output = Output()
          return (number, output, try supervision.launch("echo \(number); exit \(number)", output: output))
        }
        for (number, output, child) in children {
          require(supervision.end(of: child).termination == .exited(code: Int32(number)))
          require(output.text() == "\(number)\n")
        }
      }
    }
  }

  @Test func `a descendant in the group is killed with its leader, whatever signals it ignores`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let output = Output()
        let child = try supervision.launch(
          "trap '' TERM HUP; (trap '' TERM HUP; sleep 60) & echo $!; exit 0", output: output)
        require(supervision.end(of: child).termination == .exited(code: 0))
        // As a subreaper the supervisor has reaped it, so its number is free.
        let descendant = output.number ?? 0
        require(descendant > 0 && kill(descendant, 0) != 0 && errno == ESRCH)
      }
    }
  }

  @Test func `a descendant may outlive its leader if that is configured, and its open pipe delays nothing`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let output = Output()
        let child = try supervision.launch("sleep 60 & echo $!", output: output) { $0.keepsDescendants = true }
        require(supervision.end(of: child).termination == .exited(code: 0))
        let descendant = output.number ?? 0
        require(descendant > 0 && kill(descendant, 0) == 0)
        kill(descendant, SIGKILL)
      }
    }
  }

  @Test func `all that a child wrote before its end is received, more than a pipe holds`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let output = Output()
        let child = try supervision.launch("head -c 3000000 /dev/zero; head -c 200000 /dev/zero >&3", output: output)
        _ = supervision.end(of: child)
        require(output.count(1) == 3_000_000)
        require(output.count(3) == 200_000)
      }
    }
  }

  @Test func `a child that floods its pipe does not keep another from its end`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let flood = try supervision.launch("exec cat /dev/zero")
        let child = try supervision.launch("exit 4")
        require(supervision.end(of: child).termination == .exited(code: 4))
        require(flood.exit == nil)
        flood.killNow()
        require(supervision.end(of: flood).termination == .signaled(number: SIGKILL))
      }
    }
  }

  @Test func `children of a supervisor that goes are killed`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let output = Output()
        var other: Supervision? = try Supervision()
        _ = try other?.launch("echo $$; exec sleep 60", output: output)
        other?.turn { output.number != nil }
        other = nil
        var status: CInt = 0
        require(waitpid(output.number ?? 0, &status, 0) == output.number && status == SIGKILL)
      }
    }
  }
}
