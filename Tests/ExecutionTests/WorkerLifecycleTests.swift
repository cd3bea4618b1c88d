// SPDX-License-Identifier: Apache-2.0
import Execution
import Glibc
import Platform
import ProcessSupervision
import RunModel
import Supervision
import Testing

/// When workers start, are replaced and end.
@Suite struct WorkerLifecycleTests {
  @Test func `a worker that ends before it is ready is named immediately, with its status and output`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision, mostFailedStarts: 1, "print('no model', file=sys.stderr); sys.exit(7)")
        let (record, output) = try supervision.run("", on: pool)
        require(record.outcome == .failedToStart && record.cause == .initFailed && record.payload == nil)
        guard case .failedToStart(let reason, _) = record.ending else { return require(false) }
        require(reason.contains("exit code 7") && reason.contains("no model") && output.text(2) == "no model\n")
        var refusal: StartFailure?
        do throws(StartFailure) { _ = try pool.start(.worker(""), output: nil) } catch { refusal = error }
        require(refusal != nil && refusal == pool.failure && refusal?.exitStatus == 125)
        supervision.close(pool)
      }
    }
  }

  @Test func `after a failed start the next one follows, and requests wait for it`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let marker = "/tmp/algo-run-start-\(getpid())"
        defer { unlink(marker) }
        let pool = WorkerPool(
          on: supervision,
          """
          with open("\(marker)", "a") as file: file.write("x")
          if os.path.getsize("\(marker)") < 4: sys.exit(1)
          serve(lambda body, fields: b"%d" % os.path.getsize("\(marker)"))
          """)
        require(try supervision.run("", on: pool).output.text() == "4")
        require(pool.takeNotices().count == 3 && pool.failure == nil)
        supervision.close(pool)
      }
    }
  }

  @Test func `after five failed starts in a row waiting requests fail, and nothing starts any more`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(on: supervision, slots: 2, "sys.exit(1)")
        _ = try pool.start(.worker(""), output: nil)
        _ = try pool.start(.worker(""), output: nil)
        var records: [ExecutionRecord] = []
        while records.count < 2 {
          supervision.loop.turn()
          records += pool.takeCompletions().map(\.record)
        }
        require(records.allSatisfy { $0.cause == .initFailed } && pool.failure != nil && pool.freeSlots == 2)
        supervision.close(pool)
      }
    }
  }

  @Test func `a worker that is not ready in time, and a program that is not there, are failures of their own`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let slow = WorkerPool(
          on: supervision, mostFailedStarts: 1, settings: { $0.initTimeout = .milliseconds(100) }, "time.sleep(600)")
        let record = try supervision.run("", on: slow) { $0.limits.timeLimit = .milliseconds(1) }.record
        require(record.cause == .initTimeout && "\(record.ending)".contains("serve(apply)"))
        supervision.close(slow)
        let missing = WorkerPool(
          supervisor: supervision.supervisor,
          target: ExecutionTarget(version: nil, command: [.init("no-such-program")]), settings: WorkerSettings(),
          slots: 1, limits: RunLimits(), format: .standard, secrets: [])
        require(try supervision.run("", on: missing).record.cause == .notFound)
        supervision.close(missing)
      }
    }
  }

  @Test func `a malformed first frame is a failed start, and so is a version that is not known`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        for (frame, part) in [("hello", "not a frame"), ("ready 2 0", "update algo-run"), ("done 1 0", "before")] {
          let pool = WorkerPool(on: supervision, mostFailedStarts: 1, "answer('\(frame)'); time.sleep(600)")
          let record = try supervision.run("", on: pool).record
          require(record.outcome == .failedToStart && record.cause == .protocolError)
          require("\(record.ending)".contains(part))
          supervision.close(pool)
        }
      }
    }
  }

  @Test func `a worker killed between requests is replaced, and no request is lost`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(on: supervision, "serve(lambda body, fields: b'%d' % os.getpid())")
        for _ in 0..<5 {
          guard let pid = Int32(try supervision.run("", on: pool).output.text()) else { return require(false) }
          kill(pid, SIGKILL)
          supervision.turn(pool) { kill(pid, 0) != 0 }
          require(try supervision.run("", on: pool).record.ending == .answered)
        }
        require(
          pool.takeNotices() == [String](repeating: "a worker ended with signal 9 while it had no request.", count: 5))
        supervision.close(pool)
      }
    }
  }

  @Test func `a worker that closes its requests never got the next one, which another worker answers`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let marker = "/tmp/algo-run-closed-\(getpid())"
        defer { unlink(marker) }
        let pool = WorkerPool(
          on: supervision,
          """
          if not os.path.exists("\(marker)"):
            open("\(marker)", "w").close()
            requests.close()
            os.close(4)
            ready()
            time.sleep(600)
          serve(lambda body, fields: b"second")
          """)
        let (record, output) = try supervision.run("", on: pool)
        require(record.ending == .answered && record.attempts == 1 && output.text() == "second")
        supervision.close(pool)
      }
    }
  }

  @Test func `a worker that closes its answers and continues is killed`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(on: supervision, "ready(); next_request(); os.close(5); time.sleep(600)")
        let record = try supervision.run("", on: pool).record
        require(record.cause == .protocolError && record.explanation?.contains("descriptor 5") == true)
        supervision.close(pool)
      }
    }
  }

  @Test func `the replacement of a worker is ready before the worker ends`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision, settings: { $0.maxRequests = 2 }, "serve(lambda body, fields: b'%d' % os.getpid())")
        var pids: [String] = []
        while pids.count < 3 {
          let (record, output) = try supervision.run("", on: pool)
          if record.ending != .answered { require(false) }
          if pids.last != output.text() { pids.append(output.text()) }
        }
        supervision.turn(pool) { pids.dropLast().allSatisfy { kill(Int32($0) ?? 0, 0) != 0 } }
        require(Set(pids).count == pids.count && pool.takeNotices().isEmpty)
        supervision.close(pool)
      }
    }
  }

  @Test func `a worker above its memory limit is replaced after its answer, and a fresh one is an error`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let growing = WorkerPool(
          on: supervision, settings: { $0.maxResidentBytes = 60 << 20 },
          """
          kept = []
          serve(lambda body, fields: kept.append(b"x" * (80 << 20)) or b"%d" % os.getpid())
          """)
        let (record, output) = try supervision.run("", on: growing)
        require(record.ending == .answered && record.usage?.peakMemoryBytes ?? 0 > 80 << 20)
        supervision.turn(growing) { kill(Int32(output.text()) ?? 0, 0) != 0 }
        require(growing.takeNotices().contains { $0.contains("--max-rss") } && growing.isReady)
        supervision.close(growing)
        let large = WorkerPool(on: supervision, settings: { $0.maxResidentBytes = 1 << 20 }, "serve(None)")
        require(try supervision.run("", on: large).record.cause == .memoryLimit)
        supervision.close(large)
      }
    }
  }

  @Test func `idle workers end, and the last one stays`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let marker = "/tmp/algo-run-idle-\(getpid())"
        defer { unlink(marker) }
        // No answer before each worker has a request: else one that starts late might never get one.
        let pool = WorkerPool(
          on: supervision, slots: 3, settings: { $0.idle = .milliseconds(50) },
          """
          def meet(body, fields):
            with open("\(marker)", "ab") as file: file.write(b"x")
            while os.stat("\(marker)").st_size < 3: time.sleep(0.002)
            return b"%d" % os.getpid()
          serve(meet)
          """)
        let outputs = (0..<3).map { _ in Output() }
        for output in outputs { _ = try pool.start(.worker(""), output: output) }
        var ended = 0
        while ended < 3 {
          supervision.loop.turn()
          ended += pool.takeCompletions().count
        }
        let pids = Set(outputs.compactMap { Int32($0.text()) })
        supervision.turn(pool) { pids.count { kill($0, 0) == 0 } == 1 }
        require(pool.isReady && pool.takeNotices().isEmpty)
        supervision.close(pool)
      }
    }
  }

  @Test func `a closed pool ends its workers: by the end of requests, and those that stay by the stop sequence`() async
  {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let marker = "/tmp/algo-run-drain-\(getpid())"
        defer { unlink(marker) }
        let polite = WorkerPool(
          on: supervision,
          """
          import atexit
          atexit.register(lambda: open("\(marker)", "w").close())
          serve(lambda body, fields: b"")
          """)
        _ = try supervision.run("", on: polite)
        supervision.close(polite)
        require(access(marker, F_OK) == 0)
        var limits = RunLimits()
        limits.grace = .milliseconds(50)
        let stubborn = WorkerPool(
          on: supervision, limits: limits, settings: { $0.drain = .milliseconds(50) },
          """
          signal.signal(signal.SIGTERM, signal.SIG_IGN)
          try: serve(lambda body, fields: b"")
          except SystemExit: time.sleep(600)
          """)
        _ = try supervision.run("", on: stubborn)
        supervision.close(stubborn)
      }
    }
  }

  @Test func `many workers that end leave no descriptor and no process`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        func descriptors() -> Int { (0..<256).count { fcntl($0, F_GETFD) >= 0 } }
        let pool = WorkerPool(
          on: supervision, settings: { $0.maxRequests = 1 },
          "serve(lambda body, fields: sys.exit(1) if body == b'exit' else b'')")
        _ = try supervision.run("", on: pool)
        supervision.close(pool)
        let before = descriptors()
        for _ in 0..<10 {
          let pool = WorkerPool(
            on: supervision, settings: { $0.maxRequests = 1 },
            "serve(lambda body, fields: sys.exit(1) if body == b'exit' else b'')")
          for input in ["", "exit", ""] { _ = try supervision.run(input, on: pool) }
          supervision.close(pool)
        }
        require(descriptors() == before)
        require(waitpid(-1, nil, WNOHANG) <= 0)
      }
    }
  }
}
