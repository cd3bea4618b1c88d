public import RunModel

/// The limits of Insights, and the names that are the supervisor's own.
public struct MetricRules: Sendable {
  /// Inference metrics in one payload.
  public static let maximumMetrics = 25
  /// Sum over the metrics of the UTF-8 bytes of name and number: 25 KB of 1,024 bytes each.
  public static let maximumPayloadBytes = 25 * 1024
  /// A line without its newline.
  public static let maximumLineBytes = 64 * 1024
  /// What is kept of one execution's stream.
  public static let maximumStreamBytes = 1024 * 1024
  /// Rejections kept one by one, so that a child that reports half a million broken lines does not grow the
  /// supervisor; the rest is counted in one more entry.
  public static let maximumRejections = 10_000

  /// Operational members of the payload, which no algorithm may report.
  public let reservedNames: [String]
  private let reservedBytes: [[UInt8]]

  /// The rules for a payload format: the legacy format has two members more of its own.
  public init(format: PayloadFormat) {
    let always = [
      "request_id", "timestamp", "duration_milliseconds", "algorithm_owner", "algorithm_name", "algorithm_version",
    ]
    reservedNames = format == .legacy ? always + ["time", "session_id"] : always
    reservedBytes = reservedNames.map { Array($0.utf8) }
  }

  /// Whether a name, given as UTF-8, is one of those.
  func isReserved(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    reservedBytes.contains { $0.count == name.count && $0.elementsEqual(name) }
  }
}
