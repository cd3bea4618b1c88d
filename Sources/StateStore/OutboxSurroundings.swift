// SPDX-License-Identifier: Apache-2.0
package import Platform

/// The surroundings of an outbox, for simulations, which have a clock of their own and crash processes at any moment.
package protocol OutboxSurroundings: AnyObject {
  /// The monotonic clock.
  var elapsed: MonotonicInstant { get }
  /// Called before each access to the database. An error keeps it from happening.
  func willAccess() throws(StateError)
}
