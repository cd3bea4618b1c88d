internal import CBatchFiles
internal import Glibc
internal import Platform
internal import ProcessSupervision

/// A file without a name: bytes beyond memory, gone with its last descriptor however the process ends.
///
/// Owns its descriptor and closes it with the last reference.
final class UnlinkedFile {
  /// Open for reading and writing.
  let descriptor: Int32
  /// How many bytes were appended.
  private(set) var size = 0
  /// Where the last overwritten byte ends.
  private(set) var extent = 0

  /// A file in `directory`, on disk rather than in memory.
  ///
  /// - Throws: ``BatchFailure/noTemporaryFile(directory:code:)``.
  init(in directory: String) throws(BatchFailure) {
    var opened: Int32 = -1
    let code = open_unlinked_file(directory, &opened)
    guard code == 0 else { throw .noTemporaryFile(directory: directory, code: code) }
    descriptor = opened
  }

  /// A file in memory, for what is small; nil where the kernel has none.
  init?(inMemory name: String) {
    var opened: Int32 = -1
    guard open_memory_file(name, &opened) == 0 else { return nil }
    descriptor = opened
  }

  deinit { close(descriptor) }

  /// Appends all of `bytes`.
  ///
  /// - Throws: ``BatchFailure/cannotSpill(code:)``, with a full disk for example.
  func append(_ bytes: UnsafeRawBufferPointer) throws(BatchFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = UnsafeRawBufferPointer(rebasing: rest).withMemoryRebound(to: UInt8.self) {
        pwrite(descriptor, $0.baseAddress, $0.count, size)
      }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw .cannotSpill(code: written < 0 ? errno : EIO) }
      size += written
      rest = rest.dropFirst(written)
    }
  }

  /// Appends all of `bytes`.
  func append(_ bytes: [UInt8]) throws(BatchFailure) {
    var failure: BatchFailure?
    bytes.withUnsafeBytes { buffer in
      do throws(BatchFailure) { try append(buffer) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Reads up to `buffer.count` bytes at `offset`; 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(BatchFailure) -> Int {
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, offset)
      if count >= 0 { return count }
      guard errno == EINTR else { throw .cannotSpill(code: errno) }
    }
  }

  /// Reads all of `range` to the end of `bytes`.
  func append(to bytes: inout [UInt8], from range: Range<Int>) throws(BatchFailure) {
    var failure: BatchFailure?
    withUnsafeTemporaryAllocation(byteCount: max(1, range.count), alignment: 16) { piece in
      do throws(BatchFailure) {
        var filled = 0
        while filled < range.count {
          let rest = UnsafeMutableRawBufferPointer(rebasing: piece[filled..<range.count])
          let count = try read(into: rest, at: range.lowerBound + filled)
          guard count > 0 else { throw .cannotSpill(code: EIO) }
          filled += count
        }
        bytes.append(contentsOf: piece[..<filled])
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Overwrites bytes in the middle.
  func overwrite(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(BatchFailure) {
    while pwrite(descriptor, bytes.baseAddress, bytes.count, offset) != bytes.count {
      guard errno == EINTR else { throw .cannotSpill(code: errno) }
    }
    extent = max(extent, offset + bytes.count)
  }

  /// A further descriptor of the same bytes, at their start.
  ///
  /// - Throws: ``BatchFailure/cannotSpill(code:)``.
  func reopened() throws(BatchFailure) -> Descriptor {
    do throws(SystemError) {
      return try Descriptor.reading("/proc/self/fd/\(descriptor)")
    } catch {
      // Without /proc the duplicate shares its position with this one, so it is set back first.
      lseek(descriptor, 0, SEEK_SET)
      return try duplicated()
    }
  }

  /// A further descriptor that shares its position with this one: cheaper where the bytes are read only once.
  ///
  /// - Throws: ``BatchFailure/cannotSpill(code:)``.
  func duplicated() throws(BatchFailure) -> Descriptor {
    do throws(SystemError) {
      return try Descriptor.duplicating(descriptor)
    } catch {
      throw .cannotSpill(code: error.code)
    }
  }
}
