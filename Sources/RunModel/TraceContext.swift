// SPDX-License-Identifier: Apache-2.0
/// A valid `traceparent` of W3C Trace Context (https://www.w3.org/TR/trace-context/#traceparent-header).
///
/// Parsed before it becomes a record header: an arbitrary `TRACEPARENT` could be no text, or larger than a record may be.
public struct TraceContext: Sendable, Equatable, CustomStringConvertible {
  /// Bytes of a value of version 00: `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`.
  private static let length = 55
  /// Later versions may append fields. The standard has no limit for these; this one keeps a header small.
  private static let maximumLength = 256

  /// Bytes of a `tracestate` that must be passed on; longer ones are dropped.
  private static let stateLimit = 512

  /// The value as it was given.
  public private(set) var description: String
  /// The value of `tracestate`; nil without one.
  public private(set) var state: String?

  /// Parses a header value.
  ///
  /// - Returns: nil if the standard requires the value to be ignored.
  public init?(parsing text: String) {
    let bytes = Array(text.utf8.prefix(Self.maximumLength + 1))
    guard (Self.length...Self.maximumLength).contains(bytes.count),
      bytes[2] == UInt8(ascii: "-"), bytes[35] == UInt8(ascii: "-"), bytes[52] == UInt8(ascii: "-")
    else { return nil }
    let (version, traceID, parentID, flags) = (bytes[0..<2], bytes[3..<35], bytes[36..<52], bytes[53..<55])
    guard [version, traceID, parentID, flags].allSatisfy({ $0.allSatisfy(Self.isHexDigit) }),
      !Self.isZero(traceID), !Self.isZero(parentID), !version.elementsEqual("ff".utf8)
    else { return nil }
    let rest = bytes[Self.length...]
    if version.elementsEqual("00".utf8) {
      guard rest.isEmpty else { return nil }
    } else if let separator = rest.first {
      guard separator == UInt8(ascii: "-"), rest.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
    }
    description = text
  }

  /// The same with a `tracestate` of the same request, unless that is empty, too long, or no line of ASCII.
  public func with(state: String) -> TraceContext {
    var context = self
    let isUsable =
      (1...Self.stateLimit).contains(state.utf8.count) && state.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    context.state = isUsable ? state : nil
    return context
  }

  /// The context for work that belongs to this trace: a new parent ID, and all else unchanged.
  public func child() -> TraceContext {
    let parent = Hexadecimal.text(UInt64.random(in: 1...UInt64.max))
    let bytes = Array(description.utf8)
    var context = self
    context.description =
      "00-" + String(decoding: bytes[3..<35], as: UTF8.self) + "-" + parent + "-"
      + String(decoding: bytes[53..<55], as: UTF8.self)
    return context
  }

  /// Names of the variables that hand a context to a program.
  public static let variableNames: [String] = ["TRACEPARENT", "TRACESTATE"]

  /// The variables for a program, as `NAME=VALUE`.
  public var variables: [String] { ["TRACEPARENT=\(description)"] + (state.map { ["TRACESTATE=\($0)"] } ?? []) }

  /// Uppercase digits are invalid.
  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }

  private static func isZero(_ field: ArraySlice<UInt8>) -> Bool { field.allSatisfy { $0 == UInt8(ascii: "0") } }
}
