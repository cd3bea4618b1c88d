// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import Platform

/// One partition while this member owns it.
final class PartitionWork {
  let topic: String
  let number: Int32
  /// Names a request of it, with the offset behind.
  let sourcePrefix: String
  var progress: PartitionProgress
  /// Delivered and not started, oldest first.
  private(set) var waiting: [IncomingRequest] = []
  private var head = 0
  /// Requests that were in flight when a process died: each runs alone.
  var suspects: [IncomingRequest] = []
  /// Started and not ended.
  var running = 0
  /// Ended, and their result not committed.
  var uncommitted = 0
  /// The committed offset, as far as this member knows.
  var committed: PartitionOffset?
  var isPaused = false
  /// When its running requests are stopped, because it goes to another member.
  var leavesAt: MonotonicInstant?
  var isStopped = false
  /// Where it ended at the start, for a member that ends there.
  var end: Int64?

  init(topic: String, _ assigned: AssignedPartition, keepsInherited: Bool) {
    self.topic = topic
    number = assigned.offset.partition
    sourcePrefix = "\(topic)/\(number)/"
    progress = PartitionProgress(
      at: assigned.offset.offset, metadata: assigned.offset.metadata, keepsInherited: keepsInherited)
    committed = assigned.isCommitted ? assigned.offset : nil
  }

  /// Moments of requests that may not be committed, oldest first: a few suffice for an age.
  private var moments: [(offset: Int64, milliseconds: Int64)] = []

  /// Notes when a request was made.
  func note(_ message: ConsumedMessage) {
    guard moments.count < 4096, let moment = message.timestamp else { return }
    moments.append((message.offset, moment))
    guard moments.count == 4096 else { return }
    // Every other one, so that those that are left span the same time.
    moments = moments.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
  }

  /// When the first request that is not done was made.
  var oldestTimestamp: Int64? {
    let base = committed?.offset ?? 0
    moments.removeAll { $0.offset < base }
    return moments.first?.milliseconds
  }

  /// Requests before its end that are not committed, as far as offsets count them.
  var left: Int {
    let undelivered = Int(max(0, (end ?? 0) - progress.position))
    return undelivered + waitingCount + suspects.count + running + uncommitted
  }

  var isLeaving: Bool { leavesAt != nil }
  var waitingCount: Int { waiting.count - head }
  var first: IncomingRequest? { head < waiting.count ? waiting[head] : nil }

  func append(_ request: IncomingRequest) { waiting.append(request) }

  /// Takes the first request, or the first that fits among the first few.
  func take(where isWanted: (IncomingRequest) -> Bool) -> IncomingRequest? {
    let end = min(head + 64, waiting.count)
    guard let index = (head..<end).first(where: { isWanted(waiting[$0]) }) else { return nil }
    let request = waiting[index]
    if index == head {
      head += 1
      if head >= 512 || head == waiting.count {
        waiting.removeFirst(head)
        head = 0
      }
    } else {
      waiting.remove(at: index)
    }
    return request
  }

  /// Takes all that has not started.
  func takeWaiting() -> [IncomingRequest] {
    defer { (waiting, head, suspects) = ([], 0, []) }
    return Array(waiting[head...]) + suspects
  }

  /// The metadata of a commit at this moment.
  var offset: PartitionOffset {
    PartitionOffset(partition: number, offset: progress.base, metadata: progress.metadata)
  }

  /// Whether a commit would change anything.
  var isDirty: Bool {
    guard let committed else { return true }
    return committed != offset
  }
}
