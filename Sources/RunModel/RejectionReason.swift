// SPDX-License-Identifier: Apache-2.0
/// Why a metric, a line or the rest of a stream was rejected. The raw values are stable.
public enum RejectionReason: String, Sendable, CaseIterable {
  case reservedName = "reserved_name"
  case tooManyMetrics = "too_many_metrics"
  case payloadTooLarge = "payload_too_large"
  case notANumber = "not_a_number"
  case notFinite = "not_finite"
  case emptyName = "empty_name"
  case malformedLine = "malformed_line"
  case streamTooLong = "stream_too_long"
  /// Workers only: written after the answer. Such lines are counted, and are in no record.
  case late
}
