// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// A file without a name, for bytes that memory is too small for. It goes with its last descriptor, however the process
/// ends.
final class AnonymousFile {
  let descriptor: Descriptor
  /// Bytes that were appended.
  private(set) var size = 0
  /// Where the last overwritten byte ends.
  private(set) var extent = 0

  /// A file in `directory`, on disk rather than in memory.
  ///
  /// - Parameter isRandom: whether it is read and written in no order: then the kernel keeps it in small pieces.
  /// - Throws: ``BatchFailure/noTemporaryFile(directory:code:)``.
  init(in directory: String, isRandom: Bool = false) throws(BatchFailure) {
    do throws(SystemError) {
      descriptor = try Descriptor.anonymousFile(in: directory)
    } catch {
      throw .noTemporaryFile(directory: directory, code: error.code)
    }
    if isRandom { descriptor.withNumber { _ = posix_fadvise($0, 0, 0, POSIX_FADV_RANDOM) } }
  }

  /// Appends all of `bytes`.
  ///
  /// - Throws: ``BatchFailure/cannotSpill(code:)``, with a full disk for example.
  func append(_ bytes: UnsafeRawBufferPointer) throws(BatchFailure) {
    try spilling { () throws(SystemError) in try descriptor.writeAll(bytes, at: size) }
    size += bytes.count
  }

  /// Appends all of `bytes`.
  func append(_ bytes: [UInt8]) throws(BatchFailure) {
    try bytes.span.bytes.withUnsafeBytes { (buffer) throws(BatchFailure) in try append(buffer) }
  }

  /// Reads up to `buffer.count` bytes at `offset`; 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(BatchFailure) -> Int {
    try spilling { () throws(SystemError) in try descriptor.read(into: buffer, at: offset) }
  }

  /// Reads all of `range` to the end of `bytes`.
  func append(to bytes: inout [UInt8], from range: Range<Int>) throws(BatchFailure) {
    try withUnsafeTemporaryAllocation(byteCount: max(1, range.count), alignment: 16) { (piece) throws(BatchFailure) in
      var filled = 0
      while filled < range.count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: piece[filled..<range.count])
        let count = try read(into: rest, at: range.lowerBound + filled)
        guard count > 0 else { throw .cannotSpill(code: EIO) }
        filled += count
      }
      bytes.append(contentsOf: piece[..<filled])
    }
  }

  /// Overwrites bytes in the middle.
  func overwrite(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(BatchFailure) {
    try spilling { () throws(SystemError) in try descriptor.writeAll(bytes, at: offset) }
    extent = max(extent, offset + bytes.count)
  }

  private func spilling<Result>(_ body: () throws(SystemError) -> Result) throws(BatchFailure) -> Result {
    do throws(SystemError) { return try body() } catch { throw .cannotSpill(code: error.code) }
  }
}
