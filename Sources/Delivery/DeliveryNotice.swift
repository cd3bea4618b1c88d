// SPDX-License-Identifier: Apache-2.0
public import RunModel
public import StateStore

/// A fact of delivery that a user must know. The command that prints it adds the words and the remedies.
public enum DeliveryNotice: Equatable, Sendable {
  /// A damaged outbox was set aside for a new one.
  case outboxRecovered(OutboxRecovery)
  /// Records of the outbox do not read as they were written, and were set aside.
  case corrupt([Int64])
  /// Payloads wait in a fallback file, because the outbox did not take them either.
  case keptAside(path: String, StateError, after: DestinationProblem?)
  /// Nothing took payloads; they are lost.
  case lost(StateError, after: DestinationProblem?, StateError?)
  /// The outbox could not be read or written; delivery continues by itself.
  case heldUp(StateError)
  /// Payloads wait until this has passed.
  case waiting(DestinationProblem)
  /// This has passed: the broker answers again, or the file can be written again.
  case unblocked(DestinationProblem)
  /// The payload of an `exec` waits, for this reason.
  case queued(String)
  /// Own payloads were rejected, for this reason.
  case rejected(String)
  /// Own payloads were not delivered in their window, for this reason; empty if it is not known.
  case expired(String, Connection.OnExpiry)
  /// Payloads of others were dropped at the end of their window; their number.
  case othersDropped(Int)
  /// Own payloads were given up by another process; their number.
  case givenUpElsewhere(Int)
  /// Delivery is to another connection from now on.
  case connectionChanged
}
