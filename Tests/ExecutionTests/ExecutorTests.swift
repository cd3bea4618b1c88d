// SPDX-License-Identifier: Apache-2.0
import Execution
import Glibc
import Platform
import RunModel
import Supervision
import Testing

@Suite struct ExecutorTests {
  @Test func `executions run side by side, and each completion has the identifier of its start`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let executor = ProcessExecutor(on: supervision, slots: 3)
        var expected: [ExecutionID: Int32] = [:]
        for code in Int32(1)...3 {
          expected[try executor.start(.shell("exit \(code)"), output: nil)] = code
          require(executor.freeSlots == 3 - Int(code))
        }
        while !expected.isEmpty {
          for completion in supervision.completions(of: executor) {
            guard let code = expected.removeValue(forKey: completion.id) else { return require(false) }
            require(completion.record.ending == .ended(.exited(code: code)))
          }
        }
        require(executor.freeSlots == 3)
      }
    }
  }

  @Test func `one execution is stopped, another is killed, a third continues`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let executor = ProcessExecutor(on: supervision)
        let output = Output()
        let stopped = try executor.start(.shell("exec sleep 60"), output: nil)
        let killed = try executor.start(.shell("trap '' TERM; while :; do sleep 0.01; done"), output: nil)
        let running = try executor.start(.shell("while ! test -e /proc/1/nothing; do sleep 0.01; done"), output: output)
        executor.stop(stopped)
        require(supervision.completion(of: executor).id == stopped)
        executor.kill(killed)
        let completion = supervision.completion(of: executor)
        require(completion.id == killed && completion.record.ending == .ended(.signaled(number: SIGKILL)))
        require(executor.freeSlots == 3)
        executor.kill(running)
      }
    }
  }

  @Test func `each form of input reaches the child from its start, in every attempt that it allows`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let path = "/tmp/algo-run-execution-\(getpid())"
        let file = try Descriptor.open(path, flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        defer { unlink(path) }
        try file.writeAll(Array("content".utf8))
        let unnamed = try Descriptor.anonymousFile(in: "/tmp")
        try unnamed.writeAll(Array("content".utf8))
        for input in [RequestInput.bytes(Array("content".utf8)), .path(path), .file(unnamed)] {
          for _ in 0..<2 { require(try supervision.run("cat") { $0.input = input }.output.text() == "content") }
        }
        let (reader, writer) = try Descriptor.pipe()
        try writer.writeAll(Array("content".utf8))
        writer.close()
        require(try supervision.run("cat") { $0.input = .descriptor(reader) }.output.text() == "content")
      }
    }
  }

  @Test func `an input that cannot be opened is a failure to start that names the file`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        var failure: StartFailure?
        var request = ExecutionRequest.shell("cat")
        request.input = .path("/no/such/file")
        do throws(StartFailure) {
          _ = try ProcessExecutor(on: supervision).start(request, output: nil)
        } catch { failure = error }
        require(failure == .input(path: "/no/such/file", SystemError(ENOENT)))
      }
    }
  }

  @Test func `a child gets the variables of its execution, and none of algo-run's secrets`() async {
    await #expect(processExitsWith: .success) {
      setenv("BROKER_PASSWORD", "secret", 1)
      setenv("ALGO_REQUEST_ID", "of the outer execution", 1)
      setenv("KEPT", "kept", 1)
      supervise { supervision in
        let executor = ProcessExecutor(on: supervision, secrets: ["BROKER_PASSWORD"])
        let output = Output()
        _ = try executor.start(.shell("env"), output: output)
        _ = supervision.completion(of: executor)
        let lines = output.text().split(separator: "\n")
        require(!output.text().contains("secret"))
        for line in [
          "KEPT=kept", "ALGO_METRICS_FD=3", "ALGO_REQUEST_ID=req-7", "ALGO_OWNER=demo", "ALGO_NAME=test",
          "ALGO_VERSION=1.2.3",
        ] { require(lines.contains { $0 == line }) }
        require(lines.filter { $0.hasPrefix("ALGO_REQUEST_ID=") }.count == 1)
      }
    }
  }
}
