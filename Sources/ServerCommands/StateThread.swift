// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import StateStore

/// Reads and writes the home on a thread of its own: a lock or a disk that is slow never holds calls up.
///
/// Work goes there by a mailbox, and its value comes back by another, after a turn of the owner's loop.
final class StateThread {
  private struct Job: Sendable {
    let number: Int
    let work: @Sendable (StateRoutes) -> any Sendable
  }

  private struct Done: Sendable {
    let number: Int
    let value: any Sendable
  }

  private let jobs: Mailbox<Job>
  private let done: Mailbox<Done>
  private var waiting: [Int: (any Sendable) -> Void] = [:]
  private var lastNumber = 0

  /// Starts the thread. It ends with the process: it writes whole transactions.
  ///
  /// - Throws: the system's error if it has no thread or descriptor left.
  init(home: HomeDirectory, allowsPublish: Bool, waking owner: EventLoop) throws(SystemError) {
    let loop = try EventLoop()
    let (jobs, done) = (Mailbox<Job>(waking: loop), Mailbox<Done>(waking: owner))
    (self.jobs, self.done) = (jobs, done)
    nonisolated(unsafe) let turning = loop
    _ = try Thread<Void>.start {
      let routes = StateRoutes(StateDatabase(home: home), home: home, allowsPublish: allowsPublish)
      while true {
        turning.turn()
        for job in jobs.takeAll() { done.post(Done(number: job.number, value: job.work(routes))) }
      }
    }
  }

  /// Works whose value was not handed over yet.
  var waitingCount: Int { waiting.count }

  /// Does `work` on the thread, and `then` with its value on the owner's.
  func run<Value: Sendable>(_ work: @escaping @Sendable (StateRoutes) -> Value, then: @escaping (Value) -> Void) {
    lastNumber += 1
    waiting[lastNumber] = { value in if let value = value as? Value { then(value) } }
    jobs.post(Job(number: lastNumber, work: work))
  }

  /// Hands values over. The owner calls it after each turn of the loop.
  func advance() {
    for done in done.takeAll() { waiting.removeValue(forKey: done.number)?(done.value) }
  }
}
