// SPDX-License-Identifier: Apache-2.0
/// How a payload is written.
public enum PayloadFormat: String, Sendable, CaseIterable {
  /// `timestamp` with a zone and a duration with decimals.
  case standard
  /// As the original service wrote it: `time` without a zone, `session_id`, an integer duration.
  case legacy
  /// The standard format with more measurements, for consumers that see only values.
  case extended

  /// The operational members that a binding refuses to report, whatever the format.
  public static let commonMembers = [
    "request_id", "timestamp", "duration_milliseconds", "algorithm_owner", "algorithm_name", "algorithm_version",
  ]

  /// The operational members of this format that ``commonMembers`` lacks. Some may be absent from a payload.
  public var furtherMembers: [String] {
    switch self {
    case .standard: []
    case .legacy: ["time", "session_id"]
    case .extended:
      [
        "outcome", "exit_code", "attempts", "cpu_user_milliseconds", "cpu_system_milliseconds", "max_rss_bytes",
        "queue_milliseconds",
      ]
    }
  }
}
