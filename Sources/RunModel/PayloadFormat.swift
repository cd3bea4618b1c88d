/// How a payload is written.
public enum PayloadFormat: String, Sendable, CaseIterable {
  /// `timestamp` with a zone and a duration with decimals.
  case standard
  /// As the original service wrote it: `time` without a zone, `session_id`, an integer duration.
  case legacy
}
