// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import RunModel
internal import StateStore
internal import Synchronization

/// Prints messages of delivery with their remedies, each line once.
final class DeliveryPrinter: Sendable {
  private let words: @Sendable (DeliveryNotice) -> String
  /// A list: the first set of a process costs `exec` a search for the conformances of its elements.
  private let printed = Mutex<[String]>([])

  /// For the one payload of an `exec`, which is attempted for `window`.
  init(ofOneWithin window: Duration) { words = { Self.ofOne($0, window) } }

  /// For those of a batch or of the outbox, as `payloads` states.
  init(of payloads: String) { words = { Self.ofMany($0, payloads) } }

  /// Prints a notice unless that was done. After an obstacle is gone, all may be printed again.
  func print(_ notice: DeliveryNotice) {
    let line = words(notice)
    let isNew = printed.withLock { printed in
      if case .unblocked = notice { printed = [] }
      guard !printed.contains(line) else { return false }
      printed.append(line)
      return true
    }
    if isNew { Message.print(line) }
  }

  private static func ofOne(_ notice: DeliveryNotice, _ window: Duration) -> String {
    let late = "the payload was not delivered within \(DurationText.format(window)) and"
    return switch notice {
    case .waiting(let problem): "the payload waits in the outbox (\(Remedy.sentence(problem)))"
    case .queued(let reason): "the payload waits in the outbox (\(reason))"
    case .rejected(let reason):
      "the payload was rejected and stays in the outbox for `algo-run outbox list`: \(reason)"
    case .expired(let reason, .keep): "\(late) is kept for `algo-run outbox retry`: \(reason)"
    case .expired(let reason, .drop): "\(late) was dropped (--on-expiry drop): \(reason)"
    default: ofMany(notice, "payloads")
    }
  }

  private static func ofMany(_ notice: DeliveryNotice, _ payloads: String) -> String {
    let dropped = "were dropped at the end of their delivery window (--on-expiry drop)"
    switch notice {
    case .outboxRecovered(let recovery): return recovery.sentence
    case .corrupt(let ids):
      let which = ids.prefix(5).map { "\($0)" }.joined(separator: ", ") + (ids.count > 5 ? ", …" : "")
      return
        "\(ids.count) damaged outbox record(s) were set aside (\(which)); see `algo-run outbox list --state corrupt`"
    case .keptAside(let path, let error, let problem):
      return "the payload waits in \(path) until the outbox can be used: \(obstruction(error, problem))"
    case .lost(let error, let problem, let second):
      return "the payload is lost: \(obstruction(error, problem))"
        + (second.map { " Nor does the fallback file: \(Remedy.sentence($0))" } ?? "")
    case .heldUp(let error): return "delivery is held up: \(Remedy.sentence(error))"
    case .waiting(.outage(let cause)): return "the broker is down, and \(payloads) wait in the outbox: \(cause)"
    case .waiting(let problem): return "\(payloads) wait in the outbox: \(Remedy.sentence(problem))"
    case .queued(let reason): return "\(payloads) wait in the outbox: \(reason)"
    case .unblocked(.file): return "the file can be written again"
    case .unblocked(.kafka): return "librdkafka takes the connection again"
    case .unblocked: return "the broker answers again"
    case .rejected(let reason):
      return "\(payloads) were rejected; see `algo-run outbox list --state rejected`: \(reason)"
    case .expired(let cause, let onExpiry):
      let fate =
        onExpiry == .drop
        ? dropped : "have expired and are kept for `algo-run outbox retry`, as far as --retention allows"
      return "\(payloads) \(fate)" + (cause.isEmpty ? "" : ": \(cause)")
    case .othersDropped(let count): return "\(count) earlier payload(s) \(dropped)"
    case .givenUpElsewhere(let count):
      return "\(count) payload(s) were given up by another process; see `algo-run outbox list`"
    case .connectionChanged: return "the connection has changed: delivering by the new one"
    }
  }

  private static func obstruction(_ error: StateError, _ problem: DestinationProblem?) -> String {
    (problem.map { "\(Remedy.sentence($0)). The outbox does not take it either: " } ?? "") + Remedy.sentence(error)
  }
}
