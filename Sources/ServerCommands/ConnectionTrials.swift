// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import Platform

/// Follows the test of a connection, on the thread of the loop.
protocol TrialWatcher: AnyObject {
  /// A stage ended.
  func ended(_ stage: StageResult)
  /// The test ended; `passed` is whether all stages passed.
  func ended(_ trial: ConnectionTrial, passed: Bool)
}

/// Runs tests of connections, each on a thread of its own, and reports their stages in the loop as they end.
final class ConnectionTrials {
  private enum Event: Sendable {
    case stage(StageResult)
    case end(passed: Bool)
  }

  private struct Message: Sendable {
    let number: Int
    let event: Event
  }

  /// Tests at a time: each takes a thread, and a producer with threads of its own.
  private static let limit = 4

  private let mailbox: Mailbox<Message>
  private var running: [Int: (trial: ConnectionTrial, watcher: any TrialWatcher)] = [:]
  private var lastNumber = 0

  init(_ loop: EventLoop) { mailbox = Mailbox(waking: loop) }

  /// Whether a further test can be started.
  var hasRoom: Bool { running.count < Self.limit }

  /// Starts a test. If the system has no thread left, it fails in its first stage.
  func start(_ trial: ConnectionTrial, _ watcher: any TrialWatcher) {
    lastNumber += 1
    let (number, mailbox) = (lastNumber, mailbox)
    running[number] = (trial, watcher)
    do throws(SystemError) {
      _ = try Thread<Void>.start {
        let passed = trial.run { mailbox.post(Message(number: number, event: .stage($0))) }
        mailbox.post(Message(number: number, event: .end(passed: passed)))
      }
    } catch {
      let verdict = StageResult.Verdict.failed(cause: "there is no thread left (\(error))", hint: "Try again later.")
      mailbox.post(
        Message(number: number, event: .stage(StageResult(stage: .settings, verdict: verdict, time: .zero))))
      mailbox.post(Message(number: number, event: .end(passed: false)))
    }
  }

  /// Reports what ended. The owner calls it after each turn of the loop.
  func advance() {
    for message in mailbox.takeAll() {
      guard let (trial, watcher) = running[message.number] else { continue }
      switch message.event {
      case .stage(let result): watcher.ended(result)
      case .end(let passed):
        running[message.number] = nil
        watcher.ended(trial, passed: passed)
      }
    }
  }
}
