// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// The limits of Insights, and the names that are the supervisor's own.
public struct MetricRules: Sendable {
  /// Inference metrics in one payload.
  public static let maximumMetrics = 25
  /// Sum over the metrics of the UTF-8 bytes of name and number: 25 KB of 1,024 bytes each.
  public static let maximumPayloadBytes = 25 * 1024
  /// A line without its newline.
  public static let maximumLineBytes = 64 * 1024
  /// The part of one execution's stream that is kept.
  public static let maximumStreamBytes = 1024 * 1024
  /// Rejections kept one by one, so that a child that reports half a million broken lines does not grow the
  /// supervisor; the rest is counted in one more entry.
  public static let maximumRejections = 10_000

  /// Operational members of the payload, which no algorithm may report.
  public let reservedNames: [String]
  private let format: PayloadFormat
  private let reservedBytes: [[UInt8]]

  /// The rules for a payload format.
  public init(format: PayloadFormat) {
    self.format = format
    reservedNames = PayloadFormat.commonMembers + format.furtherMembers
    reservedBytes = reservedNames.map { Array($0.utf8) }
  }

  /// Why no algorithm may report a name, given as UTF-8; nil if it may.
  func reservation(of name: UnsafeBufferPointer<UInt8>) -> String? {
    guard let index = reservedBytes.firstIndex(where: { $0.count == name.count && $0.elementsEqual(name) }) else {
      return nil
    }
    return index < PayloadFormat.commonMembers.count
      ? "the supervisor sets it itself" : "an operational member of the payload format \(format.rawValue)"
  }
}
