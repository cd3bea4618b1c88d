// SPDX-License-Identifier: Apache-2.0
import AlgoMetrics
import Glibc
import Testing

/// The way of a line, and what can never happen because of it.
@Suite(.timeLimit(.minutes(1))) struct ChannelTests {
  @Test func `One call is one write`() async {
    await #expect(processExitsWith: .success) {
      let channel = Channel()
      #expect(channel.keepWritesApart())
      let name = String(repeating: "n", count: 3000)
      try report([name: 1, "b": 2])
      try report("c", 3)
      #expect(channel.written() == "{\"\(name)\":1,\"b\":2}\n")
      #expect(channel.written() == "{\"c\":3}\n")
    }
  }

  @Test func `A descriptor number that means nothing is not a supervisor`() async {
    await #expect(processExitsWith: .success) {
      let channel = Channel()
      let right = String(channel.writer)
      for number in ["", "x", "-1", "+\(right)", " \(right)", "\(right)x", "\(right).0", "999999", "99999999999", "٣"] {
        setenv("ALGO_METRICS_FD", number, 1)
        try report("a", 1)
        #expect(channel.written() == "", "ALGO_METRICS_FD=\(number)")
      }
    }
  }

  @Test func `A file that took the number of a closed descriptor is left alone`() async {
    await #expect(processExitsWith: .success) {
      let channel = Channel()
      try report("a", 1)
      var path = Array("/tmp/algo-metrics-XXXXXX".utf8CString)
      close(mkstemp(&path))
      for access in [O_RDWR, O_WRONLY] {
        let file = open(path, access)
        #expect(file >= 0)
        dup2(file, channel.writer)
        try report("a", 2)
        #expect(lseek(file, 0, SEEK_END) == 0)
        close(file)
      }
      unlink(path)
    }
  }

  @Test func `A database under the number is left alone from the first call`() async {
    await #expect(processExitsWith: .success) {
      var path = Array("/tmp/algo-metrics-XXXXXX".utf8CString)
      let file = mkstemp(&path)
      unlink(path)
      setenv("ALGO_METRICS_FD", String(file), 1)
      try report("a", 1)
      #expect(lseek(file, 0, SEEK_END) == 0)
    }
  }

  @Test func `A file opened for writing receives the lines`() async {
    await #expect(processExitsWith: .success) {
      var path = Array("/tmp/algo-metrics-XXXXXX".utf8CString)
      let reader = mkstemp(&path)
      setenv("ALGO_METRICS_FD", String(open(path, O_WRONLY)), 1)
      unlink(path)
      try report("a", 1)
      try report("b", 2)
      var bytes = [UInt8](repeating: 0, count: 100)
      let count = read(reader, &bytes, bytes.count)
      #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == "{\"a\":1}\n{\"b\":2}\n")
    }
  }

  @Test func `A full disk loses the line and nothing else`() async {
    await #expect(processExitsWith: .success) {
      setenv("ALGO_METRICS_FD", String(open("/dev/full", O_WRONLY)), 1)
      try report("a", 1)
    }
  }

  @Test func `A closed descriptor is not a supervisor`() async {
    await #expect(processExitsWith: .success) {
      setenv("ALGO_METRICS_FD", "99", 1)
      try report("a", 1)
    }
  }

  @Test func `A reader that is gone never kills and leaves no signal behind`() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      let channel = Channel()
      close(channel.reader)
      for _ in 0..<3 { try report("a", 1) }
      var pending = sigset_t()
      sigpending(&pending)
      var blocked = sigset_t()
      pthread_sigmask(SIG_BLOCK, nil, &blocked)
      #expect(sigismember(&pending, SIGPIPE) == 0 && sigismember(&blocked, SIGPIPE) == 0)
    }
  }

  @Test func `Echo prints the line to stderr beside a supervisor`() async {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      let channel = Channel()
      setenv("ALGO_METRICS_ECHO", "1", 1)
      try report("a", 1)
      #expect(channel.written() == "{\"a\":1}\n")
    }
    let printed = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(printed.contains("{\"a\":1}\n"))
  }

  @Test func `Echo prints the line to stderr without a supervisor`() async {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      unsetenv("ALGO_METRICS_FD")
      setenv("ALGO_METRICS_ECHO", "1", 1)
      try report("b", 2)
    }
    let printed = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(printed.contains("{\"b\":2}\n"))
  }

  @Test func `Lines of many threads never interleave`() async {
    await #expect(processExitsWith: .success) {
      // Longer than a pipe holds, so that writes come in pieces and only the lock keeps a line whole.
      let channel = Channel()
      let writers = 4
      let calls = 10
      var threads = [pthread_t](repeating: pthread_t(), count: writers)
      for index in threads.indices {
        pthread_create(
          &threads[index], nil,
          { _ in
            let name = String(repeating: "n", count: 100_000)
            for _ in 0..<10 { try? report([name: 1, "other": 2]) }
            return nil
          }, nil)
      }
      var bytes: [UInt8] = []
      var lines = 0
      var part = [UInt8](repeating: 0, count: 4096)
      while lines < writers * calls {
        let count = read(channel.reader, &part, part.count)
        bytes += part.prefix(count)
        lines += part.prefix(count).count { $0 == UInt8(ascii: "\n") }
      }
      let expected = "{\"\(String(repeating: "n", count: 100_000))\":1,\"other\":2}"
      let whole = bytes.split(separator: UInt8(ascii: "\n")).count { $0.elementsEqual(expected.utf8) }
      #expect(whole == writers * calls)
    }
  }
}
