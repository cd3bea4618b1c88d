// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import Platform

/// Sees to it that each partition has an owner. For the thread of a static member.
///
/// A static member that is killed while it hands partitions over leaves them without an owner: its successor gets its place
/// without a rebalance, and only the end of the hand-over would have brought the next one. A member that comes and goes has
/// the group assign them.
final class OwnerCheck: AssignmentWatcher {
  private static let interval = Duration.seconds(5)
  private static let answerLimit: Int32 = 2000
  private static let guestLimit = Duration.seconds(60)

  private let connection: ProducerSettings
  private let group: GroupSettings
  /// How long a hand-over may take.
  private let patience: Duration
  private var isNeeded = false
  private var next = MonotonicInstant.now()
  private var incompleteSince: MonotonicInstant?
  private var guest: GroupConsumer?
  private var guestEnd = MonotonicInstant.now()

  init(_ connection: ProducerSettings, _ group: GroupSettings, drain: Duration) {
    self.connection = connection
    self.group = group
    patience = drain + .seconds(5)
  }

  /// The member was given partitions, which may be too few.
  func begin() { isNeeded = group.instance != nil }

  func advance(asking consumer: GroupConsumer) {
    let now = MonotonicInstant.now()
    if let guest {
      while guest.poll() != nil {}
      if guestEnd <= now { leave() }
      return
    }
    guard isNeeded, next <= now else { return }
    next = now + Self.interval
    let missing = consumer.partitionsWithoutOwner(waiting: Self.answerLimit)
    isNeeded = missing != 0
    guard let missing, missing > 0 else {
      incompleteSince = nil
      return
    }
    incompleteSince = incompleteSince ?? now
    if let incompleteSince, incompleteSince + patience <= now { invite(until: now + Self.guestLimit) }
  }

  private func invite(until end: MonotonicInstant) {
    incompleteSince = nil
    var settings = group
    settings.instance = nil
    guest = try? GroupConsumer(connection, settings)
    guest?.watcher = self
    _ = guest?.subscribe()
    guestEnd = end
  }

  private func leave() {
    guest?.abandon()
    guest = nil
  }

  /// The guest has joined.
  func assigned(_ partitions: [Int32]) {
    _ = guest?.assign(partitions.map { PartitionOffset(partition: $0, offset: PartitionOffset.none) })
    guestEnd = .now()
  }

  func revoked(_ partitions: [Int32], areLost: Bool) { _ = guest?.unassign(partitions) }
}
