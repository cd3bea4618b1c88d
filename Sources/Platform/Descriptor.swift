// SPDX-License-Identifier: Apache-2.0
internal import CPlatform
internal import Glibc
internal import Synchronization

/// A file descriptor with one owner, closed exactly once: by ``close()`` or with the last reference.
///
/// All are above 3 and close-on-exec, so that none can be the target of a dup2 in a child, or leak into one. The
/// standard streams are the exception: they are lent and never closed.
public final class Descriptor: Sendable {
  /// The process's standard input.
  public static let standardInput = Descriptor(0, isOwned: false)
  /// The process's standard output.
  public static let standardOutput = Descriptor(1, isOwned: false)
  /// The process's standard error.
  public static let standardError = Descriptor(2, isOwned: false)

  private let number: Atomic<CInt>
  private let isOwned: Bool

  private init(_ number: CInt, isOwned: Bool) {
    self.number = Atomic(number)
    self.isOwned = isOwned
  }

  /// Takes over a descriptor that the caller opened, such as a socket. It keeps its number.
  public convenience init(owning number: CInt) { self.init(number, isOwned: true) }

  /// Lends a descriptor that another owner keeps open.
  public convenience init(lending number: CInt) { self.init(number, isOwned: false) }

  deinit { close() }

  /// Opens a file for reading.
  ///
  /// - Throws: the errno of open(2).
  public static func reading(_ path: String) throws(SystemError) -> Descriptor {
    try open(path, flags: O_RDONLY, mode: 0)
  }

  /// Opens a file with the flags and mode of open(2).
  ///
  /// - Throws: the errno of open(2).
  public static func open(_ path: String, flags: Int32, mode: UInt32) throws(SystemError) -> Descriptor {
    var opened: CInt = -1
    try SystemError.check(unsafe open_high(path, flags, mode, &opened))
    return Descriptor(owning: opened)
  }

  /// A second descriptor of the same open file; `number` stays its owner's.
  ///
  /// - Throws: the errno of fcntl(2).
  public static func duplicating(_ number: Int32) throws(SystemError) -> Descriptor {
    var copy: CInt = -1
    try SystemError.check(unsafe duplicate_high(number, &copy))
    return Descriptor(owning: copy)
  }

  /// A pipe. Reading from `reader` never blocks.
  ///
  /// - Throws: the errno of pipe2(2).
  public static func pipe() throws(SystemError) -> (reader: Descriptor, writer: Descriptor) {
    var reader: CInt = -1
    var writer: CInt = -1
    try SystemError.check(unsafe open_pipe(&reader, &writer))
    return (Descriptor(owning: reader), Descriptor(owning: writer))
  }

  /// Lends the number for the length of `body`; -1 once closed.
  public func withNumber<Result, Failure: Error>(_ body: (Int32) throws(Failure) -> Result) throws(Failure) -> Result {
    try body(number.load(ordering: .relaxed))
  }

  /// Closes it now. A second call does nothing.
  public func close() {
    guard isOwned else { return }
    let closed = number.exchange(-1, ordering: .relaxed)
    // On Linux EINTR means closed too: never try again, the number may belong to another file by then.
    if closed >= 0 { _ = Glibc.close(closed) }
  }

  /// Gives up the ownership: another owner, such as a library, closes the descriptor.
  public func relinquish() { number.store(-1, ordering: .relaxed) }

  /// Reads once into `buffer`. Waits for data only if the descriptor is blocking.
  public func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
    while true {
      let count = withNumber { unsafe Glibc.read($0, buffer.baseAddress, buffer.count) }
      if count > 0 { return .bytes(count) }
      if count == 0 { return .endOfFile }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .nothingNow
      default: return .failed(SystemError(errno))
      }
    }
  }

  /// The result of one read.
  public enum ReadResult: Equatable {
    /// The number of bytes in the buffer.
    case bytes(Int)
    /// A non-blocking descriptor has no data yet.
    case nothingNow
    /// The end of the file, or every writer of the pipe has closed it.
    case endOfFile
    /// The errno of read(2).
    case failed(SystemError)
  }

  /// Writes all of `bytes`, at `offset` of a file if there is one. Waits if the descriptor is blocking.
  ///
  /// - Throws: the errno of write(2). Bytes before the failure were written.
  public func writeAll(_ bytes: UnsafeRawBufferPointer, at offset: Int? = nil) throws(SystemError) {
    var written = 0
    while written < bytes.count {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
      let count = withNumber { number in
        if let offset { return unsafe pwrite(number, rest.baseAddress, rest.count, offset + written) }
        return unsafe write(number, rest.baseAddress, rest.count)
      }
      if count > 0 {
        written += count
      } else if count == 0 || errno != EINTR {
        // A file that takes no byte and reports no error would keep the loop here for ever.
        throw SystemError(count == 0 ? EIO : errno)
      }
    }
  }

  /// Writes all of `bytes`, at `offset` of a file if there is one.
  ///
  /// - Throws: the errno of write(2). Bytes before the failure were written.
  public func writeAll(_ bytes: [UInt8], at offset: Int? = nil) throws(SystemError) {
    try unsafe bytes.span.bytes.withUnsafeBytes { buffer throws(SystemError) in
      unsafe try writeAll(buffer, at: offset)
    }
  }
}
