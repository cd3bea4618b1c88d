// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// When a worker claims records of the outbox, and how many.
struct ClaimSchedule {
  /// While more records wait than the destination takes, they are claimed as soon as this many fit.
  static let group = 1000
  /// Time between two looks for records that others left, or that are due again.
  static let pause = Duration.milliseconds(500)

  /// Records of others that are still to be delivered.
  private(set) var others: Int
  /// Whether the outbox has more than the last claim took.
  private(set) var isMoreWaiting = false
  private var next: MonotonicInstant

  init(others: Int, at now: MonotonicInstant) { (self.others, next) = (others, now) }

  /// How many to claim now; 0 for none.
  ///
  /// - Parameters:
  ///   - capacity: records that the destination takes now.
  ///   - isSendingAlone: whether records are sent one at a time.
  func wanted(_ capacity: Int, isSendingAlone: Bool, at now: MonotonicInstant) -> Int {
    isWorthClaiming(capacity, isSendingAlone: isSendingAlone) || next <= now ? min(capacity, others) : 0
  }

  /// Whether to claim before the next look, because more waits than was taken.
  func isWorthClaiming(_ capacity: Int, isSendingAlone: Bool) -> Bool {
    isMoreWaiting && others > 0 && capacity >= (isSendingAlone ? 1 : min(Self.group, others))
  }

  /// When to claim at the latest; nil if nothing is to be claimed.
  ///
  /// - Parameter capacity: records that the destination takes now; if it takes none, it is asked again after a tick.
  func due(_ capacity: Int, at now: MonotonicInstant) -> MonotonicInstant? {
    others > 0 ? (capacity > 0 ? next : now + DeliveryWorker.tick) : nil
  }

  /// A claim begins: the next look is a pause away, unless it finds more than it takes.
  mutating func begin(at now: MonotonicInstant) { (isMoreWaiting, next) = (false, now + Self.pause) }

  /// A claim took records.
  ///
  /// - Parameter isMore: whether it found as many as it may take, or more.
  mutating func claimed(_ count: Int, isMore: Bool) {
    isMoreWaiting = isMore
    if others < .max { others -= count }
  }

  /// Records are due at a moment at the latest.
  mutating func wake(at moment: MonotonicInstant) { next = min(next, moment) }

  /// Unclaimed records are in the outbox.
  mutating func expectMore() { isMoreWaiting = true }

  /// Some records of others are to be delivered from now on.
  mutating func deliverOthers(atMost limit: Int, at now: MonotonicInstant) {
    (others, isMoreWaiting, next) = (limit, true, now)
  }
}
