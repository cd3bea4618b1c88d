// SPDX-License-Identifier: Apache-2.0
public import Platform

/// A body that is made while it is sent, so that it is never in memory as a whole.
public protocol HTTPBody: Sendable {
  /// Begins at the first byte.
  func reader() -> any HTTPBodyReader
}

/// Reads a body in pieces. Belongs to one thread.
public protocol HTTPBodyReader: AnyObject {
  /// Fills the beginning of `buffer`, and returns how many bytes that are; 0 at the end.
  ///
  /// - Throws: the errno of a read.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int
}

/// Reads a file from its start.
final class FileReader: HTTPBodyReader {
  private let file: Descriptor
  private var offset = 0

  init(_ file: Descriptor) { self.file = file }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
    let count = unsafe try file.read(into: buffer, at: offset)
    offset += count
    return count
  }
}

extension HTTPResponse.Body {
  /// Calls `body` with each piece, in order: no more than one of them is in memory.
  ///
  /// - Throws: the errno of a read, or what `body` throws.
  public func forEachPiece(_ body: (UnsafeRawBufferPointer) throws(SystemError) -> Void) throws(SystemError) {
    let reader: any HTTPBodyReader
    switch self {
    case .bytes(let bytes):
      return try unsafe bytes.span.bytes.withUnsafeBytes { all throws(SystemError) in unsafe try body(all) }
    case .file(let file): reader = FileReader(file)
    case .made(let made): reader = made.reader()
    }
    try unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer throws(SystemError) in
      while true {
        let count = unsafe try reader.read(into: buffer)
        if count == 0 { return }
        unsafe try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
  }
}
