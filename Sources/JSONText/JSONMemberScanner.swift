// SPDX-License-Identifier: Apache-2.0
/// Finds the members of one JSON object of any size, chunk by chunk, and hands out the bytes of their values.
///
/// For request envelopes and for reading results back: both may carry values too large for memory.
public struct JSONMemberScanner: Sendable {
  /// A piece of a member's value, in the order of the text.
  public struct Piece {
    /// The member's decoded name; names longer than 64 bytes are cut.
    public let name: String
    /// The next bytes of its value, as written, without the space around it.
    public let bytes: UnsafeRawBufferPointer
    /// Whether these are the first bytes.
    public let begins: Bool
    /// Whether these are the last.
    public let ends: Bool
  }

  private static let longestName = 64

  private enum Place { case outside, name, value }

  private var scanner = JSONScanner()
  private var place = Place.outside
  private var rawName: [UInt8] = []
  private var name = ""
  private var begins = false
  private var isObject: Bool?

  /// A scanner at the start of a text.
  public init() { rawName.reserveCapacity(Self.longestName) }

  /// Whether the bytes so far can be the start of an object.
  public var hasFailed: Bool { scanner.hasFailed || isObject == false }
  /// Whether the bytes so far are one whole object.
  public var isComplete: Bool { !hasFailed && scanner.isComplete }
  /// How many bytes were accepted.
  public var offset: Int { scanner.offset }

  /// Takes the next bytes of the text and calls `receive` with each piece of a member's value in them.
  public mutating func consume(_ bytes: UnsafeRawBufferPointer, receive: (Piece) -> Void) {
    guard !hasFailed else { return }
    var start = 0
    for (index, byte) in bytes.enumerated() {
      let (before, depth) = (scanner.state, scanner.depth)
      scanner.step(byte)
      if scanner.hasFailed { return }
      switch place {
      case .outside:
        if depth == 0, isObject == nil, scanner.depth == 1 || scanner.state != .beforeValue {
          isObject = byte == UInt8(ascii: "{")
          if isObject == false { return }
        }
        guard depth == 1 else { continue }
        if scanner.state == .string, scanner.isName {
          place = .name
          rawName.removeAll(keepingCapacity: true)
        } else if before == .beforeValue, scanner.state != .beforeValue {
          place = .value
          begins = true
          start = index
        }
      case .name:
        if scanner.state == .afterName {
          name = rawName.withUnsafeBytes { JSONString.decode($0[...]) }
          place = .outside
        } else if rawName.count < Self.longestName {
          rawName.append(byte)
        }
      case .value:
        // A number ends only with the byte after it; every other value ends with a byte of its own.
        if isAtEnd, !isNumber(before) || depth > 1 {
          emit(bytes[start...index], ends: true, receive)
        } else if depth == 1, isNumber(before), !isNumber(scanner.state) {
          emit(bytes[start..<index], ends: true, receive)
        }
      }
    }
    if place == .value, start < bytes.count { emit(bytes[start...], ends: false, receive) }
  }

  private var isAtEnd: Bool { scanner.depth == 1 && scanner.state == .afterValue }

  private func isNumber(_ state: JSONScanner.State) -> Bool {
    switch state {
    case .minus, .zero, .integer, .point, .fraction, .exponentMark, .exponentSign, .exponent: true
    default: false
    }
  }

  private mutating func emit(_ bytes: Slice<UnsafeRawBufferPointer>, ends: Bool, _ receive: (Piece) -> Void) {
    receive(Piece(name: name, bytes: UnsafeRawBufferPointer(rebasing: bytes), begins: begins, ends: ends))
    begins = false
    if ends { place = .outside }
  }
}
