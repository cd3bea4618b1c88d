// SPDX-License-Identifier: Apache-2.0
/// Whether a producer took a record.
public enum Handover: Sendable, Equatable {
  /// It will be reported.
  case taken
  /// It will not be reported.
  case refused(KafkaCause)
}
