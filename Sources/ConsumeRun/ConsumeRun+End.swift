// SPDX-License-Identifier: Apache-2.0
internal import BatchRun
internal import Glibc
internal import KafkaClient
internal import Platform
internal import RequestDispatch
internal import RunModel

/// How a member comes to its end.
extension ConsumeRun {
  // MARK: The end

  func checkEnd(at now: MonotonicInstant) {
    guard settings.endsAtEnd, drainEnd == nil, !isLeaving, !isComparing, now >= nextComparison else { return }
    guard writing == nil, answers.isEmpty, running.isEmpty, storing.isEmpty else { return }
    let isDone = queue.partitions.allSatisfy { partition in
      partition.end.map { partition.progress.isDone(before: $0) && !partition.isDirty } ?? true
    }
    guard isDone else { return }
    isComparing = true
    nextComparison = now + Self.endCheck
    if ends.isEmpty { return leave(.done) }
    member.send(.compare(ends.map { PartitionOffset(partition: $0.key, offset: $0.value) }))
  }

  func take(signal number: Int32) {
    switch number {
    case SIGUSR1: display.printNow(progress, at: .now())
    case SIGTERM, SIGINT, SIGHUP, SIGQUIT:
      if drainEnd != nil || number == SIGQUIT {
        drainEnd = .now()
      } else {
        let count = running.count
        display.print(
          "draining: \(HumanFormat.counted(count, "running request")) may finish (once more stops \(count == 1 ? "it" : "them"))."
        )
        beginDrain()
      }
    default: break
    }
  }

  func beginDrain() {
    guard drainEnd == nil else { return }
    drainEnd = .now() + settings.drain
    for partition in queue.partitions {
      for request in partition.takeWaiting() { drop(request) }
    }
    dispatcher.finish()
  }

  /// Ends with `end` once running requests have ended and their results are committed.
  func leave(_ end: ConsumeEnd) {
    guard leaveReason == nil else { return }
    leaveReason = end
    beginDrain()
  }

  func drain(at now: MonotonicInstant) {
    guard let drainEnd, !isLeaving else { return }
    if drainEnd <= now, !running.isEmpty { stop { !$0.isAbandoned } }
    if drainEnd + Self.commitPatience <= now {
      end = ConsumeEnd(
        status: leaveReason.map { max(1, $0.status) } ?? 1,
        sentence:
          "\(HumanFormat.counted(answers.count, "result")) could not be committed before the end; other members run "
          + "these requests again.")
      return
    }
    guard running.isEmpty, storing.isEmpty, answers.isEmpty, extra.isEmpty, writing == nil,
      !queue.partitions.contains(where: \.isDirty)
    else { return }
    isLeaving = true
    member.send(.leave)
  }

  var progress: ProgressText {
    var text = ProgressText()
    text.done = figures.committed
    if settings.endsAtEnd, drainEnd == nil {
      text.total = figures.committed + queue.partitions.reduce(0) { $0 + $1.left }
    }
    text.failed = figures.failed
    text.payloadsWaiting = payloads?.counts.waiting ?? 0
    if drainEnd != nil { text.note = "\(running.count) finishing" }
    return text
  }
}
