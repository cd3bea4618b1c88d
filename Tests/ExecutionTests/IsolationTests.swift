// SPDX-License-Identifier: Apache-2.0
import Execution
import Glibc
import Platform
import RunModel
import Supervision
import Testing

/// A worker that runs each request in a fork of itself.
@Suite struct IsolationTests {
  /// Forks for each request, as the Python binding does.
  static let forking = """
    def isolated(apply):
      ready(isolation="process")
      while True:
        number, body, fields = next_request()
        middle = os.fork()
        if middle == 0:
          parent = os.getpid()
          if os.fork(): os._exit(0)
          os.setpgid(0, 0)
          while os.getppid() == parent: time.sleep(0.0005)
          answer(f"forked {number} 0 pid={os.getpid()}")
          result = apply(body, fields)
          answer(f"done {number} {len(result)}", result)
          os._exit(0)
        os.waitpid(middle, 0)
        os.close(fields["fd"])

    """

  @Test func `each request has a process of its own, with its own usage, and the loaded program stays`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision, settings: { $0.isolates = true },
          IsolationTests.forking + """
            loaded = os.getpid()
            def apply(body, fields):
              report(fields, '{"a": 1}')
              if body == b"busy":
                end = time.process_time() + 0.05
                while time.process_time() < end: pass
              return b"%d %d" % (loaded, os.getpid())
            isolated(apply)
            """)
        var loaded: Set<Substring> = []
        var forks: Set<Substring> = []
        for _ in 0..<10 {
          let (record, output) = try supervision.run("", on: pool)
          require(record.ending == .answered && record.metrics.accepted.count == 1)
          let numbers = output.text().split(separator: " ")
          loaded.insert(numbers[0])
          forks.insert(numbers[1])
        }
        require(loaded.count == 1 && forks.count == 10)
        let record = try supervision.run("busy", on: pool).record
        require(record.usage.map { $0.userTime + $0.systemTime } ?? .zero >= .milliseconds(50))
        require(record.usage?.peakMemoryBytes ?? 0 > 1 << 20)
        supervision.close(pool)
      }
    }
  }

  @Test func `a request that crashes, exits, hangs or dies in half an answer ends alone`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision, settings: { $0.isolates = true },
          IsolationTests.forking + """
            loaded = os.getpid()
            def apply(body, fields):
              report(fields, '{"a": 1}')
              if body == b"signal": os.kill(os.getpid(), 11)
              if body == b"exit": os._exit(3)
              if body == b"hang": time.sleep(600)
              if body == b"half":
                answer("done 4 100000", b"half")
                os._exit(4)
              return b"%d" % loaded
            isolated(apply)
            """)
        let first = try supervision.run("", on: pool).output.text()
        for (input, ending) in [
          ("signal", Ending.workerEnded(.signaled(number: SIGSEGV))), ("exit", .workerEnded(.exited(code: 3))),
          ("half", .workerEnded(.exited(code: 4))), ("hang", .timedOut(.signaled(number: SIGTERM))),
        ] {
          let record = try supervision.run(input, on: pool) {
            if input == "hang" { $0.limits.timeLimit = .seconds(3) }
          }.record
          require(record.ending == ending && record.metrics.accepted.count == 1)
        }
        require(try supervision.run("", on: pool).output.text() == first)
        supervision.close(pool)
        require(pool.takeNotices().isEmpty)
      }
    }
  }

  @Test func `a worker that runs no forks is refused if they are demanded`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision, mostFailedStarts: 1, settings: { $0.isolates = true }, "serve(lambda body, fields: b'')")
        let record = try supervision.run("", on: pool).record
        require(record.outcome == .failedToStart && "\(record.ending)".contains("leave --isolate out"))
        supervision.close(pool)
      }
    }
  }

  @Test func `a loaded program that dies takes its request with it`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision, settings: { $0.isolates = true },
          IsolationTests.forking + """
            loaded = os.getpid()
            def apply(body, fields):
              if body == b"kill":
                os.kill(loaded, 9)
                time.sleep(600)
              return b""
            isolated(apply)
            """)
        let record = try supervision.run("kill", on: pool).record
        require(record.ending == .workerEnded(.signaled(number: SIGKILL)))
        require(try supervision.run("", on: pool).record.ending == .answered)
        supervision.close(pool)
      }
    }
  }
}
