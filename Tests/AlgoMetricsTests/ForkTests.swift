// SPDX-License-Identifier: Apache-2.0
import AlgoMetrics
import Glibc
import Testing

/// A forked child has the lock of a thread that it does not have.
@Suite(.timeLimit(.minutes(1))) struct ForkTests {
  @Test func `A child forked while another thread writes can report`() async {
    await #expect(processExitsWith: .success) {
      let full = Channel()
      var thread = pthread_t()
      // The pipe is full after 64 KiB, so the thread holds the lock in its write: the pipe is not read.
      pthread_create(
        &thread, nil,
        { _ in
          try? report(String(repeating: "n", count: 200_000), 1)
          return nil
        }, nil)
      var byte: UInt8 = 0
      read(full.reader, &byte, 1)
      let other = Channel()
      // Swift hides fork, but a C library that an algorithm uses may call it.
      guard let symbol = dlsym(nil, "fork") else { exit(EXIT_FAILURE) }
      let child = unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)()
      if child == 0 {
        try report("child", 1)
        _exit(0)
      }
      // A child that waits for the lock would do so for ever.
      var answer = pollfd(fd: other.reader, events: Int16(POLLIN), revents: 0)
      if poll(&answer, 1, 20_000) != 1 { kill(child, SIGKILL) }
      var status: CInt = -1
      waitpid(child, &status, 0)
      exit(status == 0 && other.written() == "{\"child\":1}\n" ? EXIT_SUCCESS : EXIT_FAILURE)
    }
  }
}
