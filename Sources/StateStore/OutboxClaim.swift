// SPDX-License-Identifier: Apache-2.0
/// The result of a claim.
public struct OutboxClaim: Sendable, Equatable {
  /// The records to send, oldest first.
  public var records: [OutboxRecord] = []
  /// Records found damaged and set aside on the way; to be reported once.
  public var corrupt: [Int64] = []
}
