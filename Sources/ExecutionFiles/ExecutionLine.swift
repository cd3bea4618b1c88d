// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import JSONText
public import RunModel

/// One execution as a line of a file shows it: a payload, an execution record, or the result of a batch.
///
/// It is a view on the line's bytes, used again for the next one, so that a million lines cost no allocation each.
public final class ExecutionLine {
  /// The form of a line.
  public enum Form { case payload, record }

  /// The meaning of the bytes.
  public private(set) var form = Form.payload
  private var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
  private var top = JSONObjectSpans()
  private var nested = JSONObjectSpans()
  private var metricsBytes = UnsafeRawBufferPointer(start: nil, count: 0)
  private var isExtended = false
  private var knownReference: (bytes: [UInt8], reference: (AlgorithmName, VersionNumber)?)?

  /// No line yet.
  public init() {}

  private static let operational: [StaticString] = [
    "request_id", "timestamp", "duration_milliseconds", "algorithm_owner", "algorithm_name", "algorithm_version",
    "time",
    "session_id",
  ]
  private static let operationalIfExtended: [StaticString] = [
    "outcome", "exit_code", "attempts", "cpu_user_milliseconds", "cpu_system_milliseconds", "max_rss_bytes",
    "queue_milliseconds",
  ]

  /// The result of reading a line.
  public enum Reading { case execution, connectionTest, unreadable }

  /// Takes the bytes of a line, which must stay where they are until the next one. The byte behind them must be
  /// readable: no number continues there.
  public func read(_ line: UnsafeRawBufferPointer) -> Reading {
    bytes = line
    guard top.read(line, last: "result") else { return .unreadable }
    isExtended = false
    if let metrics = value("metrics"), bytes[metrics.lowerBound] == UInt8(ascii: "{"), value("outcome") != nil {
      form = .record
      metricsBytes = part(metrics)
      return nested.read(metricsBytes) ? .execution : .unreadable
    }
    form = .payload
    guard value("request_id") != nil else { return .unreadable }
    let hasTime = value("timestamp") != nil || value("time") != nil
    if !hasTime, value("connection_test") != nil { return .connectionTest }
    guard hasTime, value("algorithm_name") != nil else { return .unreadable }
    if let outcome = value("outcome") { isExtended = bytes[outcome.lowerBound] == UInt8(ascii: "\"") }
    return .execution
  }

  /// Takes an execution record whose metrics stand apart from it, as the history keeps them. The bytes must stay where
  /// they are until the next one.
  public func read(record: UnsafeRawBufferPointer, metrics: UnsafeRawBufferPointer) -> Reading {
    (form, bytes, metricsBytes, isExtended) = (.record, record, metrics, false)
    return top.read(record) && nested.read(metrics) ? .execution : .unreadable
  }

  /// Calls `body` with the name of each metric as written, whether it has escapes, and its number as written.
  public func forEachMetric(
    _ body: (_ name: UnsafeRawBufferPointer, _ hasEscapes: Bool, _ number: UnsafeRawBufferPointer) -> Void
  ) {
    let bytes = form == .record ? metricsBytes : bytes
    for member in form == .record ? nested.members : top.members {
      let first = bytes[member.value.lowerBound]
      guard first == UInt8(ascii: "-") || first &- UInt8(ascii: "0") < 10 else { continue }
      if form == .payload, isOperational(member.name) { continue }
      body(
        UnsafeRawBufferPointer(rebasing: bytes[member.name]), member.hasEscapes,
        UnsafeRawBufferPointer(rebasing: bytes[member.value]))
    }
  }

  private func isOperational(_ name: Range<Int>) -> Bool {
    Self.operational.contains { JSONObjectSpans.equal(bytes, name, $0) }
      || isExtended && Self.operationalIfExtended.contains { JSONObjectSpans.equal(bytes, name, $0) }
  }

  /// The JSON text of a member of the line; nil if there is none, or null.
  public func text(of member: StaticString) -> String? {
    value(member).flatMap { range in
      let text = String(decoding: bytes[range], as: UTF8.self)
      return text == "null" ? nil : text
    }
  }

  /// The text of a member that is a string.
  public func string(_ member: StaticString) -> String? { value(member).flatMap { JSONString.text(Array(bytes[$0])) } }

  /// Request ID.
  public var requestID: String? { string("request_id") }

  /// Launch, by the wall clock.
  public var startedAt: Timestamp? {
    if let text = string("timestamp") { return Timestamp(parsing: text) }
    // The time of the legacy format has no zone.
    return string("time").flatMap { Timestamp(parsing: $0) ?? Timestamp(parsing: $0 + "Z") }
  }

  /// A hash of request ID and launch, which identify an execution: equal for a payload that was sent again. Nil for a line
  /// without a request ID.
  var identity: Int? {
    guard value("request_id") != nil else { return nil }
    var hasher = Hasher()
    for member in ["request_id", form == .payload && value("timestamp") == nil ? "time" : "timestamp"] as [StaticString]
    {
      value(member).map { hasher.combine(bytes: part($0)) }
    }
    return hasher.finalize()
  }

  /// The text of the outcome; nil if the line does not have it.
  public var outcome: String? { form == .record || isExtended ? string("outcome") : nil }

  /// Whether the execution failed in any way; nil if the line does not show it.
  public var hasFailed: Bool? { hasOutcome("\"succeeded\"").map { !$0 } }

  /// Whether there was a process, whose figures could be measured.
  var hasStarted: Bool { hasOutcome("\"failed_to_start\"") != true }

  private func hasOutcome(_ json: StaticString) -> Bool? {
    guard form == .record || isExtended, let outcome = value("outcome") else { return nil }
    return JSONObjectSpans.equal(bytes, outcome, json)
  }

  /// The number of a member that the supervisor measured.
  public func measured(_ member: StaticString) -> Double? {
    if form == .payload, !isExtended, Self.operationalIfExtended.contains(where: { equal($0, member) }) { return nil }
    return value(member).flatMap { Self.number(part($0)) }
  }

  private func equal(_ one: StaticString, _ other: StaticString) -> Bool {
    one.utf8CodeUnitCount == other.utf8CodeUnitCount
      && memcmp(one.utf8Start, other.utf8Start, one.utf8CodeUnitCount) == 0
  }

  /// The algorithm and its version; nil for a bare command.
  public var reference: (algorithm: AlgorithmName, version: VersionNumber)? {
    let members: [StaticString] =
      form == .record ? ["algorithm"] : ["algorithm_owner", "algorithm_name", "algorithm_version"]
    var text: [UInt8] = []
    for member in members {
      guard let range = value(member), bytes[range.lowerBound] == UInt8(ascii: "\"") else { return nil }
      if !text.isEmpty { text.append(UInt8(ascii: "/")) }
      text.append(contentsOf: bytes[(range.lowerBound + 1)..<(range.upperBound - 1)])
    }
    // Nearly always the version of the line before.
    if let knownReference, knownReference.bytes == text { return knownReference.reference }
    let parts = String(decoding: text, as: UTF8.self).split(separator: "/")
    var reference: (AlgorithmName, VersionNumber)?
    if parts.count == 3, let algorithm = try? AlgorithmName(parsing: "\(parts[0])/\(parts[1])"),
      let version = try? VersionNumber(parsing: parts[2])
    {
      reference = (algorithm, version)
    }
    knownReference = (text, reference)
    return reference
  }

  /// The input of the execution; nil if its digest is unknown.
  var inputKey: InputKey? {
    guard let range = value("input_sha256"), range.count == 66, let high = hexadecimal(range.lowerBound + 1),
      let low = hexadecimal(range.lowerBound + 17)
    else { return nil }
    let occurrence = value("occurrence").flatMap { Self.number(part($0)) } ?? 1
    return InputKey(
      high: high, low: low, occurrence: Int32(occurrence), startedAt: startedAt?.microseconds ?? 0)
  }

  private func hexadecimal(_ start: Int) -> UInt64? {
    UInt64(String(decoding: bytes[start..<(start + 16)], as: UTF8.self), radix: 16)
  }

  private func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[range]) }

  private func value(_ name: StaticString) -> Range<Int>? {
    top.members.last { JSONObjectSpans.equal(bytes, $0.name, name) }?.value
  }

  /// The double of a JSON number as written; nil for another value.
  public static func number(_ text: UnsafeRawBufferPointer) -> Double? {
    guard let start = text.baseAddress, let first = text.first,
      first == UInt8(ascii: "-") || first &- UInt8(ascii: "0") < 10
    else { return nil }
    // Integers up to 2^53 and powers of ten up to 10^22 are doubles, so that one division is exact.
    var (mantissa, decimals, hasPoint) = (Int64(0), 0, false)
    for index in (first == UInt8(ascii: "-") ? 1 : 0)..<text.count {
      let byte = text[index]
      if byte &- UInt8(ascii: "0") < 10, mantissa < 900_719_925_474_099, decimals < powers.count - 1 {
        mantissa = mantissa &* 10 &+ Int64(byte &- UInt8(ascii: "0"))
        if hasPoint { decimals += 1 }
      } else if byte == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
      } else {
        return strtod(start.assumingMemoryBound(to: CChar.self), nil)
      }
    }
    let size = Double(mantissa) / powers[decimals]
    return first == UInt8(ascii: "-") ? -size : size
  }

  private static let powers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]
}
