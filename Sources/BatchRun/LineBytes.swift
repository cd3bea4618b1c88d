// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Bytes of a list of lines.
extension UnsafeRawBufferPointer {
  /// The index of the first newline; nil if there is none. The C library's search takes 16 bytes and more at a time.
  var offsetOfNewline: Int? {
    guard let start = baseAddress, let found = memchr(start, 0x0a, count) else { return nil }
    return UnsafeRawPointer(found) - start
  }

  /// Whether a line of these bytes holds no request.
  var isBlank: Bool { allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d } }

  /// The length of the byte order mark that some editors put at the start of a text; 0 if there is none.
  var byteOrderMarkLength: Int { starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0 }
}
