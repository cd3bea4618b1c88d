internal import Glibc

extension UnsafeRawBufferPointer {
  /// Where the first newline is; nil where there is none. The C library's search takes 16 bytes and more at a time.
  var offsetOfNewline: Int? {
    guard let start = baseAddress, let found = memchr(start, 0x0a, count) else { return nil }
    return UnsafeRawPointer(found) - start
  }
}
