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
    guard settings.endsAtEnd, isReady, drainEnd == nil, !isLeaving, !isComparing, now >= nextComparison else { return }
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
      // Nothing has begun, and its thread may wait for a broker.
      if !isReady {
        end = end ?? .endedEarly
      } else if drainEnd != nil || number == SIGQUIT {
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
    guard let drainEnd else { return }
    if isLeaving { return checkLeaving(at: now) }
    if drainEnd <= now, !running.isEmpty { stop { !$0.isAbandoned } }
    quietSince = running.isEmpty && storing.isEmpty ? quietSince ?? now : nil
    if givesUpAt.map({ $0 <= now }) ?? false {
      let count = answers.count + (writing?.answers.count ?? 0)
      end = ConsumeEnd(
        status: leaveReason.map { max(1, $0.status) } ?? 1,
        sentence:
          "\(HumanFormat.counted(count, "result")) could not be committed before the end, because no broker took them; "
          + "nothing is lost, these requests run again at other members or at the next start.")
      return
    }
    guard running.isEmpty, storing.isEmpty, answers.isEmpty, extra.isEmpty, writing == nil,
      !queue.partitions.contains(where: \.isDirty)
    else { return }
    isLeaving = true
    leftAt = now
    member.send(.leave)
  }

  /// When the last commit is not waited for any more.
  private var givesUpAt: MonotonicInstant? {
    guard let drainEnd else { return nil }
    let last = drainEnd + Self.endPatience
    return quietSince.map { min($0 + Self.commitPatience, last) } ?? last
  }

  /// When ``drain(at:)`` has something to do although nothing happens until then.
  var drainDue: MonotonicInstant? {
    guard let drainEnd, !isLeaving else { return leftAt.map { $0 + Self.leavePatience } }
    return drainEnd > .now() && !running.isEmpty ? drainEnd : givesUpAt
  }

  /// The member's thread may wait for a broker, and not hear that it is to leave. Everything is committed by now.
  private func checkLeaving(at now: MonotonicInstant) {
    guard let leftAt, leftAt + Self.leavePatience <= now else { return }
    display.print("the group did not answer; it removes this member when its session ends")
    end = leaveReason ?? .done
  }

  /// Ends when a call of the library does not: nothing more can be written, and only another process can end the
  /// transaction.
  func checkCall(at now: MonotonicInstant) {
    guard end == nil, let began = member.callSince, began + Self.callPatience <= now else {
      lateCallSince = nil
      return
    }
    lateCallSince = lateCallSince ?? now
    guard let lateCallSince, lateCallSince + Self.secondLook <= now else { return }
    let seconds = Self.callPatience.components.seconds
    end = ConsumeEnd(
      status: max(1, leaveReason?.status ?? 1),
      sentence: "Kafka: the library has not come back from a call for \(seconds) s; nothing is lost, start it again.")
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
