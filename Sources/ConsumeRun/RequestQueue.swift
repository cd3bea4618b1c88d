// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Chooses the next request: partition by partition, within the window and the order that is asked for.
///
/// Requests that were in flight when a process died run alone, so that the one that kills algo-run is found. One that
/// died alone before waits until this process has lived for a while: killed in the meantime, it is not the cause.
final class RequestQueue {
  private static let probation = Duration.seconds(5)

  private let order: ConsumeSettings.Order
  private let window: Int64
  private let startedAt = MonotonicInstant.now()
  private(set) var partitions: [PartitionWork] = []
  private var next = 0
  private var keys: Set<[UInt8]> = []
  private(set) var running = 0
  private(set) var isAloneRunning = false

  init(_ settings: ConsumeSettings) {
    order = settings.order
    window = Int64(settings.window)
  }

  subscript(_ number: Int32) -> PartitionWork? { partitions.first { $0.number == number } }

  func add(_ partition: PartitionWork) { partitions.append(partition) }

  func remove(_ partition: PartitionWork) {
    partitions.removeAll { $0 === partition }
    next = 0
  }

  var keepsKeys: Bool { order == .key }

  func add(_ request: IncomingRequest, to partition: PartitionWork) {
    guard request.history.attempts > 0 else { return partition.append(request) }
    partition.suspects.append(request)
    // Later ones of its key wait for it.
    if let key = request.orderKey { keys.insert(key) }
  }

  /// Takes the next request that may start.
  func take(at now: MonotonicInstant) -> IncomingRequest? {
    guard !isAloneRunning else { return nil }
    for partition in partitions where !partition.suspects.isEmpty && !partition.isLeaving {
      guard let index = partition.suspects.firstIndex(where: { isDue($0, at: now) }) else { continue }
      guard running == 0 else { return nil }
      isAloneRunning = true
      return begin(partition.suspects.remove(at: index))
    }
    for _ in partitions.indices {
      next = (next + 1) % partitions.count
      let partition = partitions[next]
      guard !partition.isLeaving, let request = take(from: partition) else { continue }
      return begin(request)
    }
    return nil
  }

  private func take(from partition: PartitionWork) -> IncomingRequest? {
    let end = partition.progress.base + window
    switch order {
    case .none: return partition.take { $0.offset < end }
    case .partition:
      guard partition.running == 0, partition.suspects.isEmpty else { return nil }
      return partition.take { $0.offset < end }
    case .key:
      var passed: Set<[UInt8]> = []
      return partition.take { request in
        guard request.offset < end else { return false }
        guard let key = request.orderKey else { return true }
        if keys.contains(key) || passed.contains(key) {
          passed.insert(key)
          return false
        }
        return true
      }
    }
  }

  private func begin(_ request: IncomingRequest) -> IncomingRequest {
    running += 1
    request.partition.running += 1
    if let key = request.orderKey { keys.insert(key) }
    return request
  }

  /// A request has ended, whatever it came to.
  func ended(_ request: IncomingRequest) {
    running -= 1
    request.partition.running -= 1
    if let key = request.orderKey { keys.remove(key) }
    if request.history.attempts > 0 { isAloneRunning = false }
  }

  /// A request leaves without having started.
  func dropped(_ request: IncomingRequest) {
    if request.history.attempts > 0, let key = request.orderKey { keys.remove(key) }
  }

  private func isDue(_ request: IncomingRequest, at now: MonotonicInstant) -> Bool { now >= dueTime(request) }

  private func dueTime(_ request: IncomingRequest) -> MonotonicInstant {
    startedAt + Self.probation * min(1, request.history.crashes)
  }

  /// When a request may start although nothing happens until then.
  var nextDue: MonotonicInstant? {
    guard running == 0 else { return nil }
    return partitions.flatMap(\.suspects).map(dueTime).min()
  }

  /// Whether nothing of a partition can start before another request of it has ended.
  func isBlocked(_ partition: PartitionWork) -> Bool {
    partition.first.map { $0.offset >= partition.progress.base + window } ?? false
  }
}
