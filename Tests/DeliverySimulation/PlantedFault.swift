// SPDX-License-Identifier: Apache-2.0
/// A fault that is planted to see that the simulation finds it.
public enum PlantedFault: String, Sendable, CaseIterable {
  /// The destination acknowledges records that it does not keep.
  case lose
  /// A record appears at the destination that no process submitted.
  case invent
  /// A record is sent again after its acknowledgement.
  case resend
  /// A payload is reported as written that only waits.
  case misreport
  /// The token of a process outlives it, as if a child had inherited the lock.
  case strand

  /// The promise that it breaks.
  public var broken: Promise {
    switch self {
    case .lose: .nothingIsLost
    case .invent: .nothingIsInvented
    case .resend: .nothingIsSentAfterItsAcknowledgement
    case .misreport: .reportsAreTrue
    case .strand: .everythingEnds
    }
  }
}
