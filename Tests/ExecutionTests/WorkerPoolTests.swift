// SPDX-License-Identifier: Apache-2.0
import Execution
import Glibc
import Platform
import RunModel
import Supervision
import Testing

/// The result of one request of a worker.
@Suite struct WorkerPoolTests {
  @Test func `a worker answers many requests, each with its result, its metrics and its usage`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision,
          """
          def apply(body, fields):
            report(fields, '{"length": %d}' % len(body))
            return b"%d " % os.getpid() + body + fields["id"].encode()
          serve(apply)
          """)
        var pids: Set<String> = []
        for number in 1...20 {
          let (record, output) = try supervision.run(String(repeating: "x", count: number), on: pool)
          require(record.ending == .answered && record.outcome == .succeeded && record.cause == nil)
          require(record.metrics.accepted == [Metric(name: "length", number: "\(number)")])
          require(record.payload.map { String(decoding: $0, as: UTF8.self).hasSuffix("\"length\":\(number)}") } == true)
          require(record.usage?.peakMemoryBytes ?? 0 > 1 << 20 && record.usage?.userTime ?? .zero > .zero)
          require(output.text().hasSuffix(" " + String(repeating: "x", count: number) + "req-7"))
          pids.insert(String(output.text().prefix { $0 != " " }))
        }
        require(pids.count == 1 && pool.lateMetrics == 0)
        supervision.close(pool)
        require(pool.takeNotices().isEmpty)
      }
    }
  }

  @Test func `a worker that takes descriptors by their paths reports metrics too`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision,
          """
          answer("ready 1 0 descriptors=path")
          while True:
            number, body, fields = next_request()
            report(fields, '{"a": %d}' % number)
            os.close(fields["fd"])
            answer(f"done {number} 0")
          """)
        for number in 1...3 {
          let record = try supervision.run("", on: pool).record
          require(record.metrics.accepted == [Metric(name: "a", number: "\(number)")])
        }
        supervision.close(pool)
      }
    }
  }

  @Test func `framed lines of descriptor 3 are credited to the running request, all others are late`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision,
          """
          ready()
          while True:
            number, body, fields = next_request()
            os.write(3, b'\\x1e%d {"a": %d}\\n\\x1e%d {"b": 1}\\n\\x1e0 {"c": 1}\\n{"d": 1}\\n' % (number, number, number - 1))
            os.close(fields["fd"])
            answer(f"done {number} 0")
          """)
        for number in 1...3 {
          let record = try supervision.run("", on: pool).record
          require(record.metrics.accepted == [Metric(name: "a", number: "\(number)")])
          require(record.metrics.rejected.isEmpty)
          require(pool.lateMetrics == 3 * number)
        }
        supervision.close(pool)
      }
    }
  }

  @Test func `lines that a descendant writes after the answer are credited to no request`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision,
          """
          def apply(body, fields):
            report(fields, '{"a": 1}')
            subprocess.Popen(["sh", "-c", "read line; echo '{\\"late\\": 1}'; echo '{\\"late\\": 2}'"], stdin=gate[0], stdout=fields["fd"])
            if body == b"open":
              for _ in range(3): os.write(gate[1], b"go\\n")
            return b""
          gate = os.pipe()
          serve(apply)
          """)
        for input in ["", "", "open"] {
          let record = try supervision.run(input, on: pool).record
          require(record.metrics.accepted.first == Metric(name: "a", number: "1"))
        }
        supervision.turn(pool) { pool.lateMetrics >= 4 }
        supervision.close(pool)
      }
    }
  }

  @Test func `a metrics pipe is used again only when no process holds it any more`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision,
          """
          def apply(body, fields):
            if body == b"hold":
              subprocess.Popen(["sh", "-c", "read line; echo '{\\"late\\": 1}'"], stdin=gate[0], stdout=fields["fd"])
            if body == b"open": os.write(gate[1], b"go\\n")
            return str(os.fstat(fields["fd"]).st_ino).encode()
          gate = os.pipe()
          serve(apply)
          """)
        let pipes = try ["", "hold", "", "open"].map { try supervision.run($0, on: pool) }
        let numbers = pipes.map { $0.1.text() }
        require(numbers[0] == numbers[1] && numbers[1] != numbers[2] && numbers[2] == numbers[3])
        supervision.turn(pool) { pool.lateMetrics == 1 }
        require(pipes.allSatisfy { $0.0.metrics.accepted.isEmpty })
        supervision.close(pool)
      }
    }
  }

  @Test func `an exception is an outcome with type and message, and the worker continues`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision,
          """
          ready()
          while True:
            number, body, fields = next_request()
            print("printed", flush=True)
            text = b"no cats\\nTraceback: ..."
            answer(f"fail {number} {len(text)} type=ValueError", text)
          """)
        for _ in 0..<2 {
          let (record, output) = try supervision.run("", on: pool)
          require(record.outcome == .failed && record.exitStatus == 1 && record.cause == .exception)
          require(record.error == AlgorithmError(type: "ValueError", message: "no cats"))
          require(output.text(2).contains("printed\n") && output.text(2).contains("Traceback") && output.text().isEmpty)
        }
        supervision.close(pool)
      }
    }
  }

  @Test func `a request fails with its worker, keeps its metrics, and the next worker takes the next request`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision,
          """
          def apply(body, fields):
            report(fields, '{"a": 1}')
            if body == b"exit": sys.exit(3)
            if body == b"zero": sys.exit(0)
            if body == b"signal": os.kill(os.getpid(), 11)
            if body == b"hang": time.sleep(600)
            return b"ok"
          serve(apply)
          """)
        for (input, ending) in [
          ("exit", Ending.workerEnded(.exited(code: 3))), ("zero", .workerEnded(.exited(code: 0))),
          ("signal", .workerEnded(.signaled(number: SIGSEGV))), ("hang", .timedOut(.signaled(number: SIGTERM))),
        ] {
          require(try supervision.run("", on: pool).record.ending == .answered)
          let record = try supervision.run(input, on: pool) {
            if input == "hang" { $0.limits.timeLimit = .milliseconds(200) }
          }.record
          require(record.ending == ending && record.metrics.accepted.count == 1 && record.usage != nil)
        }
        supervision.close(pool)
      }
    }
  }

  @Test func `bytes that are not an answer end the worker and fail its request`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(
          on: supervision,
          """
          ready()
          number, body, fields = next_request()
          answer(body.decode())
          time.sleep(600)
          """)
        for (input, part) in [
          ("Loading model \u{1b}[2J", "u{1b}"), ("ready 1 0", "twice"), ("done 7 0", "request 7"),
          ("forked 1 0 pid=1", "not a child"), ("done 1 0 type", "not a frame"),
        ] {
          let record = try supervision.run(input, on: pool).record
          require(record.cause == .protocolError && record.outcome == .failed && record.exitStatus == 125)
          require(record.termination == .exited(code: 1))
          require(record.explanation?.contains(part) == true)
        }
        supervision.close(pool)
      }
    }
  }

  @Test func `an input and a result larger than any pipe pass in both directions`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(on: supervision, "serve(lambda body, fields: body)")
        let file = try Descriptor.anonymousFile(in: "/tmp")
        try file.writeAll([UInt8](repeating: 0x78, count: 20_000_000))
        let (record, output) = try supervision.run("", on: pool) { $0.input = .file(file) }
        require(record.ending == .answered && output.count() == 20_000_000)
        let bytes = String(repeating: "y", count: 5_000_000)
        require(try supervision.run(bytes, on: pool).output.text() == bytes)
        supervision.close(pool)
      }
    }
  }

  @Test func `a waiting request is canceled immediately, a running one by the stop sequence`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let pool = WorkerPool(on: supervision, slots: 2, "serve(lambda body, fields: time.sleep(600) or b'')")
        let first = try pool.start(.worker(""), output: nil)
        pool.cancel(first)
        var completion = supervision.completion(of: pool)
        require(
          completion.id == first && completion.record.ending == .canceled(nil) && completion.record.payload == nil)
        supervision.turn(pool) { pool.isReady }
        let second = try pool.start(.worker(""), output: nil)
        pool.cancel(second)
        completion = supervision.completion(of: pool)
        require(completion.record.ending == .canceled(.signaled(number: SIGTERM)))
        require(completion.record.outcome == .canceled && completion.record.payload != nil && pool.freeSlots == 2)
        supervision.close(pool)
      }
    }
  }
}
