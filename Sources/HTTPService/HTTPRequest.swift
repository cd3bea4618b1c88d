// SPDX-License-Identifier: Apache-2.0
/// The header of a request.
public struct HTTPRequest: Sendable {
  /// Such as `POST`.
  public let method: String
  /// Path and query.
  public let target: RequestTarget
  /// Names in lower case, values without the space around them, in the order of the request.
  public let headers: [(name: String, value: String)]

  /// A request of given parts.
  public init(method: String, target: RequestTarget, headers: [(name: String, value: String)]) {
    self.method = method
    self.target = target
    self.headers = headers
  }

  /// The value of a header; nil if there is none or more than one.
  public subscript(name: String) -> String? {
    var value: String?
    for header in headers where header.name == name {
      guard value == nil else { return nil }
      value = header.value
    }
    return value
  }

  /// All values of a header.
  public func all(_ name: String) -> [String] { headers.filter { $0.name == name }.map(\.value) }

  /// Whether it changes nothing.
  public var isSafe: Bool { method == "GET" || method == "HEAD" || method == "OPTIONS" }

  /// Whether `text` can identify something: 1 to `limit` letters, digits and `._:/+=@-`.
  public static func isIdentifier(_ text: String, limit: Int) -> Bool {
    (1...limit).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "._:/+=@-".utf8.contains(byte)
        }
      }
  }

  /// The bytes of the body if the header declares them, 0 without a body; nil if it comes in chunks.
  public var declaredLength: Int? {
    if !all("transfer-encoding").isEmpty { return nil }
    return self["content-length"].flatMap { Int($0) } ?? 0
  }
}
