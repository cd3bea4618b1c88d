// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Testing

@Suite("Threads and mailboxes")
struct ThreadTests {
  @Test func `join returns the value that the thread computed`() throws {
    let thread = try Thread.start { (1...10).reduce(0, +) }
    #expect(thread.join() == 55)
  }

  @Test func `a thread blocks all signals, and starting it leaves the mask of its starter as it was`() throws {
    var before = sigset_t()
    pthread_sigmask(SIG_BLOCK, nil, &before)
    let thread = try Thread.start {
      var mask = sigset_t()
      pthread_sigmask(SIG_BLOCK, nil, &mask)
      return [SIGINT, SIGTERM, SIGCHLD, SIGUSR1].allSatisfy { sigismember(&mask, $0) == 1 }
    }
    #expect(thread.join())
    var after = sigset_t()
    pthread_sigmask(SIG_BLOCK, nil, &after)
    for signal in Int32(1)...64 { #expect(sigismember(&after, signal) == sigismember(&before, signal)) }
  }

  @Test func `a join with a deadline gives up on a thread that still runs, and can be repeated`() throws {
    let (reader, writer) = try Descriptor.pipe()
    reader.withNumber { _ = fcntl($0, F_SETFL, 0) }
    let thread = try Thread.start { reader.readText() }
    #expect(thread.join(until: .now()) == nil)
    try writer.writeAll(Array("go".utf8))
    #expect(thread.join(until: .now() + .seconds(300)) == "go")
    #expect(thread.join(until: .now()) == nil)
  }

  @Test func `a message that is posted wakes a loop that waits without a deadline`() throws {
    let loop = try EventLoop()
    let mailbox = Mailbox<String>(waking: loop)
    let thread = try Thread.start { mailbox.post("hello") }
    loop.turn()
    #expect(mailbox.takeAll() == ["hello"])
    thread.join()
  }

  @Test func `messages of one thread arrive in order, and none is lost or waits for another wake`() throws {
    let loop = try EventLoop()
    let mailbox = Mailbox<Int>(waking: loop)
    let threads = try (0..<4).map { writer in
      try Thread.start { for number in 0..<5_000 { mailbox.post(number * 4 + writer) } }
    }
    var received: [[Int]] = [[], [], [], []]
    while received.reduce(0, { $0 + $1.count }) < 20_000 {
      loop.turn()
      for message in mailbox.takeAll() { received[message % 4].append(message / 4) }
    }
    for numbers in received { #expect(numbers == Array(0..<5_000)) }
    loop.turn(until: .now())
    #expect(mailbox.takeAll().isEmpty)
    for thread in threads { thread.join() }
  }

  @Test func `the waker can be used by code that writes to its descriptor`() throws {
    let loop = try EventLoop()
    var message = Waker.message
    _ = loop.waker.withNumber { write($0, &message, 8) }
    loop.turn()
    let recorder = TimerRecorder("next", in: Journal())
    let timer = loop.schedule(at: .now() + .milliseconds(1), recorder)
    // The wake was taken: this turn ends by the timer.
    while recorder.journal.lines.isEmpty { loop.turn() }
    withExtendedLifetime(timer) {}
  }
}
