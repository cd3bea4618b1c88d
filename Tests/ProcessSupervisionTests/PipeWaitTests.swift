// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import ProcessSupervision
import RunModel
import Supervision
import Testing

@Suite struct PipeWaitTests {
  @Test func `a named pipe is open once its other side is`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let path = namedPipe()
        defer { unlink(path) }
        // A reader that comes while the supervisor waits.
        let child = try supervision.launch("exec cat <\(path)")
        let writer = try supervision.supervisor.open(path, flags: O_WRONLY | O_CREAT, mode: 0o600)
        require(writer.withNumber { fcntl($0, F_GETFL) } & O_NONBLOCK == 0)
        writer.close()
        require(supervision.end(of: child).termination == .exited(code: 0))
      }
    }
  }

  @Test func `the deadline ends the wait for the other side`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        for flags in [O_RDONLY, O_WRONLY] {
          let path = namedPipe()
          defer { unlink(path) }
          do throws(OpenFailure) {
            _ = try supervision.supervisor.open(path, flags: flags, until: .now() + .milliseconds(20))
            require(false)
          } catch { require(error == .timedOut) }
        }
      }
    }
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT])
  func `a signal that asks to end ends the wait for the other side`(number: Int32) async {
    await #expect(processExitsWith: .success) { [number] in
      supervise { supervision in
        let path = namedPipe()
        defer { unlink(path) }
        kill(getpid(), SIGUSR1)
        kill(getpid(), number)
        do throws(OpenFailure) {
          _ = try supervision.supervisor.open(path, flags: O_RDONLY)
          require(false)
        } catch { require(error == .interrupted(by: number)) }
      }
    }
  }

  @Test func `other files are opened immediately, and their errors reported`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        _ = try supervision.supervisor.open("/dev/null", flags: O_WRONLY)
        do throws(OpenFailure) {
          _ = try supervision.supervisor.open("/no/such/file", flags: O_RDONLY)
          require(false)
        } catch { require(error == .system(SystemError(ENOENT))) }
      }
    }
  }
}

/// A new named pipe.
private func namedPipe() -> String {
  let path = NSTemporaryDirectory() + "pipe-\(UUID().uuidString)"
  require(mkfifo(path, 0o600) == 0)
  return path
}
