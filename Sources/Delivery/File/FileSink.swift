// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// Appends payloads to a file or named pipe as NDJSON, for any number of processes at once.
///
/// The only file that touches the sink's descriptor. Writers exclude each other with a lock on the file. Nothing that
/// was in the file is ever removed: a payload behind an unfinished line begins on a line of its own, whether a user or
/// a killed writer left that line. Only a write that the disk refuses half-way is taken back, by the call that made it.
/// A line survives the end of the process, not a power cut: nothing is synced, because `exec` would pay for it on each
/// run.
public struct FileSink: Sendable {
  /// Longest wait for other writers of the same file, and for the reader of a full pipe. Each writer holds the lock for
  /// microseconds, so the wait ends only if one was stopped while it held the lock; an algorithm must not hang on that.
  public static let patience: Duration = .seconds(2)

  /// Where the lines go.
  public let path: String
  private let patience: Duration

  /// A sink that appends to the file at `path`; nothing is opened yet.
  public init(path: String, patience: Duration = Self.patience) {
    self.path = path
    self.patience = patience
  }

  /// Appends each payload, JSON without a newline, as one line.
  ///
  /// - Returns: How many of them, from the first on, were appended. All, unless the reader of a pipe is too slow.
  /// - Throws: ``FileSinkError`` if none was appended.
  @discardableResult
  public func append(_ payloads: [[UInt8]]) throws(FileSinkError) -> Int {
    guard !payloads.isEmpty else { return 0 }
    let (descriptor, kind) = try open()
    defer { close(descriptor) }
    let deadline = MonotonicInstant.now() + patience
    switch kind {
    case S_IFREG:
      try lock(descriptor, until: deadline)
      try append(Self.lines(payloads), toFile: descriptor, until: deadline)
    case S_IFIFO:
      try lock(descriptor, until: deadline)
      return try append(payloads, toPipe: descriptor, until: deadline)
    default:
      var written = 0
      try write(Self.lines(payloads), to: descriptor, counting: &written, until: deadline)
    }
    return payloads.count
  }

  /// Finds out whether the file takes lines, without writing one. It is made if it is missing.
  ///
  /// - Throws: ``FileSinkError/cannotOpen(path:errno:)`` or ``FileSinkError/noReader(path:)``.
  public func check() throws(FileSinkError) { close(try open().descriptor) }

  private static func lines(_ payloads: [[UInt8]]) -> [UInt8] {
    var lines: [UInt8] = []
    lines.reserveCapacity(payloads.reduce(1) { $0 + $1.count + 1 })
    for payload in payloads {
      lines.append(contentsOf: payload)
      lines.append(newline)
    }
    return lines
  }

  private static let newline = UInt8(ascii: "\n")

  /// Opens the file without waiting, whatever it is.
  private func open() throws(FileSinkError) -> (descriptor: Int32, kind: mode_t) {
    var status = stat()
    // Opened for reading too, this process would be the pipe's reader, and payloads would vanish in it.
    var isPipe = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    while true {
      let access = isPipe ? O_WRONLY : O_RDWR | O_CREAT
      let descriptor = Glibc.open(path, access | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o600)
      guard descriptor >= 0 else {
        if errno == EINTR { continue }
        throw isPipe && errno == ENXIO ? .noReader(path: path) : .cannotOpen(path: path, errno: errno)
      }
      guard fstat(descriptor, &status) == 0 else {
        close(descriptor)
        throw .cannotOpen(path: path, errno: EIO)
      }
      let kind = status.st_mode & S_IFMT
      guard kind == S_IFIFO, !isPipe else { return (descriptor, kind) }
      // The path was given to a pipe since it was looked at.
      isPipe = true
      close(descriptor)
    }
  }

  /// Takes the file's lock, which ends with the descriptor.
  private func lock(_ descriptor: Int32, until deadline: MonotonicInstant) throws(FileSinkError) {
    var pause: useconds_t = 50
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK: break
      // A file system without locks: appending is still atomic enough for one writer, so go on.
      default: return
      }
      guard MonotonicInstant.now() < deadline else { throw .locked(path: path) }
      usleep(pause)
      pause = min(pause * 2, 2000)
    }
  }

  /// Appends whole lines to a regular file: all of them or none.
  private func append(
    _ lines: [UInt8], toFile descriptor: Int32, until deadline: MonotonicInstant
  ) throws(FileSinkError) {
    // Only now, under the lock, no other algo-run changes the length.
    let length = lseek(descriptor, 0, SEEK_END)
    guard length >= 0 else { throw .cannotWrite(path: path, errno: errno) }
    let bytes = try endsInLine(descriptor, length: length) ? [Self.newline] + lines : lines
    var written = 0
    do throws(FileSinkError) {
      try write(bytes, to: descriptor, counting: &written, until: deadline)
    } catch {
      takeBack(written, from: descriptor, length: length)
      throw error
    }
  }

  /// Whether the file's last line lacks its newline.
  private func endsInLine(_ descriptor: Int32, length: off_t) throws(FileSinkError) -> Bool {
    guard length > 0 else { return false }
    var last: UInt8 = 0
    guard pread(descriptor, &last, 1, length - 1) == 1 else { throw .cannotWrite(path: path, errno: EIO) }
    return last != Self.newline
  }

  /// Cuts off the part of a line that this call wrote to a file of `length`. A program that appends without the lock may
  /// have written behind it: then all is left as it is, and the next payload begins on a line of its own.
  private func takeBack(_ written: Int, from descriptor: Int32, length: off_t) {
    var status = stat()
    guard written > 0, fstat(descriptor, &status) == 0, status.st_size == length + off_t(written) else { return }
    _ = ftruncate(descriptor, length)
  }

  /// Writes all of `bytes` from `written` on, and counts in it. Waits for a slow reader until `deadline`.
  func write(
    _ bytes: [UInt8], to descriptor: Int32, counting written: inout Int, until deadline: MonotonicInstant
  ) throws(FileSinkError) {
    while written < bytes.count {
      let start = written
      let count = WriteSignals.blocked {
        bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress?.advanced(by: start), bytes.count - start) }
      }
      guard count <= 0 else {
        written += count
        continue
      }
      switch count == 0 ? ENOSPC : errno {
      case EINTR: continue
      case EAGAIN:
        guard MonotonicInstant.now() < deadline else { throw .cannotWrite(path: path, errno: EAGAIN) }
        var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&room, 1, 10)
      case let reason: throw .cannotWrite(path: path, errno: reason)
      }
    }
  }
}
