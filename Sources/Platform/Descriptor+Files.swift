// SPDX-License-Identifier: Apache-2.0
internal import CPlatform
internal import Glibc

/// Files behind descriptors.
extension Descriptor {
  /// A file without a name in `directory`, for reading and writing: gone with its last descriptor, however the process
  /// ends.
  ///
  /// - Throws: the errno of open(2).
  public static func anonymousFile(in directory: String) throws(SystemError) -> Descriptor {
    var opened: CInt = -1
    try SystemError.check(unsafe open_anonymous_file(directory, &opened))
    return Descriptor(owning: opened)
  }

  /// A file without a name in `directory`, for reading and appending. ``link(as:)`` gives it a name; until then it is
  /// gone with its last descriptor.
  ///
  /// - Throws: EOPNOTSUPP if the file system has no such files, ENOENT without `/proc`, or the errno of open(2).
  public static func unnamedFile(in directory: String) throws(SystemError) -> Descriptor {
    var opened: CInt = -1
    try SystemError.check(unsafe open_unnamed_file(directory, &opened))
    return Descriptor(owning: opened)
  }

  /// Gives a file from ``unnamedFile(in:)`` its name.
  ///
  /// - Throws: EEXIST if the name is taken, or the errno of linkat(2).
  public func link(as path: String) throws(SystemError) {
    try SystemError.check(withNumber { unsafe link_file($0, path) })
  }

  /// A file in memory, for reading and writing.
  ///
  /// - Throws: the errno of memfd_create(2).
  public static func memoryFile(_ name: String) throws(SystemError) -> Descriptor {
    var opened: CInt = -1
    try SystemError.check(unsafe open_memory_file(name, &opened))
    return Descriptor(owning: opened)
  }

  /// A further descriptor of the same file, at its start.
  ///
  /// - Throws: the errno of open(2) or fcntl(2).
  public func reopened() throws(SystemError) -> Descriptor {
    try withNumber { number throws(SystemError) in
      if let opened = try? Descriptor.reading("/proc/self/fd/\(number)") { return opened }
      // Without /proc the duplicate shares its position with this one, so it is set back first.
      lseek(number, 0, SEEK_SET)
      return try Descriptor.duplicating(number)
    }
  }

  /// Whether it is a regular file, for which reads and writes never wait for another process.
  public var isRegularFile: Bool { status.map { $0.st_mode & S_IFMT == S_IFREG } ?? false }

  /// Bytes in the file; 0 if that is unknown.
  public var size: Int { status.map { Int($0.st_size) } ?? 0 }

  /// Its current position in the file; 0 if it has none.
  public var position: Int { withNumber { max(0, lseek($0, 0, SEEK_CUR)) } }

  var status: stat? {
    var status = stat()
    return withNumber { unsafe fstat($0, &status) } == 0 ? status : nil
  }

  /// Reads once into `buffer` from `offset`; 0 at the end of the file.
  ///
  /// - Throws: the errno of pread(2).
  public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    while true {
      let count = withNumber { unsafe pread($0, buffer.baseAddress, buffer.count, offset) }
      if count >= 0 { return count }
      guard errno == EINTR else { throw SystemError(errno) }
    }
  }

  /// Reads from the current position to the end, at most `limit` bytes. A non-blocking descriptor without data ends it.
  ///
  /// - Throws: the errno of read(2).
  public func readAll(limit: Int) throws(SystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    try unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer throws(SystemError) in
      while bytes.count < limit {
        let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(limit - bytes.count))
        switch unsafe read(into: piece) {
        case .bytes(let count): unsafe bytes.append(contentsOf: piece[..<count])
        case .endOfFile, .nothingNow: return
        case .failed(let error): throw error
        }
      }
    }
    return bytes
  }

  /// Whether a read (or write) returns immediately, at this moment or within a time. The end of the other side counts.
  public func isReady(for interest: Interest, milliseconds: Int32 = 0) -> Bool {
    poll(for: interest, milliseconds: milliseconds) != 0
  }

  /// Waits until a read (or write) returns immediately, a signal comes, or the time is over; -1 for no limit. For
  /// programs without an event loop.
  public func waitUntilReady(for interest: Interest, milliseconds: Int32 = -1) {
    _ = poll(for: interest, milliseconds: milliseconds)
  }

  private func poll(for interest: Interest, milliseconds: Int32) -> Int32 {
    let events = (interest.contains(.read) ? POLLIN : 0) | (interest.contains(.write) ? POLLOUT : 0)
    return withNumber { number in
      var entry = pollfd(fd: number, events: Int16(events), revents: 0)
      return unsafe Glibc.poll(&entry, 1, milliseconds)
    }
  }

  /// The width of the terminal behind it; nil if it is none.
  public var terminalColumns: Int? {
    let columns = withNumber { CPlatform.terminal_columns($0) }
    return columns > 0 ? Int(columns) : nil
  }
}
