// SPDX-License-Identifier: Apache-2.0
/// A word of a command line or a variable of an environment as the kernel has it: bytes without a NUL, which need not
/// be text. A file name in Latin-1 reaches the child as it is.
public struct OSString: Sendable, Hashable {
  /// The bytes, without the NUL that ends them in C.
  public let bytes: [UInt8]

  /// The UTF-8 of a text.
  public init(_ text: String) { bytes = Array(text.utf8) }

  /// Bytes that hold no NUL: behind one the kernel sees nothing.
  public init(bytes: [UInt8]) { self.bytes = bytes }

  /// A copy of a C string.
  public init(cString: UnsafePointer<CChar>) {
    var bytes: [UInt8] = []
    var next = unsafe cString
    while unsafe next.pointee != 0 {
      bytes.append(unsafe UInt8(bitPattern: next.pointee))
      unsafe next += 1
    }
    self.bytes = bytes
  }

  /// The bytes as text for a message; bytes that are not UTF-8 are replaced.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Whether the bytes are UTF-8.
  public var isText: Bool { String(validating: bytes, as: UTF8.self) != nil }

  /// The bytes before the first `=`: the name of a variable.
  public var variableName: ArraySlice<UInt8> { bytes.prefix { $0 != UInt8(ascii: "=") } }
}
