// SPDX-License-Identifier: Apache-2.0
/// The target of a request line, split before it is decoded: an escaped slash belongs to its segment.
public struct RequestTarget: Sendable, Equatable {
  /// The path as it was sent, without query.
  public let rawPath: String
  /// The decoded segments of the path, without the empty one after a trailing slash.
  public let segments: [String]
  /// The decoded parameters, in order.
  public let query: [(name: String, value: String)]
  /// Host and port of an absolute target; nil for a plain path.
  public let authority: String?

  /// `/`.
  static let root = RequestTarget()

  private init() { (rawPath, segments, query, authority) = ("/", [], [], nil) }

  /// Nil for a target that is neither `/…`, `http://HOST/…` nor `*`, or whose escapes are not UTF-8 text.
  public init?(parsing text: String) {
    guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }) else { return nil }
    if text == "*" {
      (rawPath, segments, query, authority) = ("*", ["*"], [], nil)
      return
    }
    var rest = text[...]
    if text.utf8.first != Self.slash, let scheme = ["http://", "https://"].first(where: text.lowercased().hasPrefix) {
      rest = rest.dropFirst(scheme.utf8.count)
      let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
      authority = String(rest[..<end])
      rest = rest[end...]
      if !rest.hasPrefix("/") { rest = "/" + rest }
    } else {
      authority = nil
    }
    guard rest.utf8.first == Self.slash else { return nil }
    // Bytes, which are ASCII here: characters cost many times as much.
    let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) ?? rest.endIndex
    rawPath = String(rest[..<mark])
    var segments: [String] = []
    var path = rest[..<mark].utf8.dropFirst()
    while !path.isEmpty {
      let end = path.firstIndex(of: Self.slash)
      guard let segment = Self.decoded(path[..<(end ?? path.endIndex)], plusIsSpace: false) else { return nil }
      segments.append(segment)
      path = path[(end.map { path.index(after: $0) } ?? path.endIndex)...]
    }
    self.segments = segments
    var query: [(name: String, value: String)] = []
    for item in mark < rest.endIndex ? rest[mark...].utf8.dropFirst().split(separator: UInt8(ascii: "&")) : [] {
      let halves = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(halves[0], plusIsSpace: true),
        let value = Self.decoded(halves.count > 1 ? halves[1] : item[item.endIndex...], plusIsSpace: true)
      else { return nil }
      query.append((name, value))
    }
    self.query = query
  }

  /// The value of the last parameter of that name.
  public func parameter(_ name: String) -> String? { query.last { $0.name == name }?.value }

  /// The same targets have the same parts.
  public static func == (left: RequestTarget, right: RequestTarget) -> Bool {
    left.rawPath == right.rawPath && left.authority == right.authority
      && left.query.elementsEqual(right.query) { $0 == $1 }
  }

  /// Nil for an escape without two digits, and for bytes that are not UTF-8 or a NUL.
  private static func decoded(_ text: Substring.UTF8View, plusIsSpace: Bool) -> String? {
    guard text.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
      return String(Substring(text))
    }
    var bytes: [UInt8] = []
    var source = text.makeIterator()
    while let byte = source.next() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = source.next().flatMap(digit), let low = source.next().flatMap(digit) else { return nil }
        bytes.append(high << 4 | low)
      case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
      default: bytes.append(byte)
      }
    }
    return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
  }

  private static let slash = UInt8(ascii: "/")

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
