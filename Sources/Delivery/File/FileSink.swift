// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// Appends payloads to a file or named pipe as NDJSON, for any number of processes at the same time.
///
/// Writers exclude each other with a lock on the file. Nothing that
/// was in the file is ever removed: a payload behind an unfinished line begins on a line of its own, whether a user or
/// a killed writer left that line. Only a write that the disk refuses half-way is taken back, by the call that made it.
/// A line survives the end of the process, not a power cut: nothing is synced, because `exec` would pay for it on each
/// run.
public struct FileSink: Sendable {
  /// Longest wait for other writers of the same file, and for the reader of a full pipe. Each writer holds the lock for
  /// microseconds, so the wait ends only if one was stopped while it held the lock; an algorithm must not hang on that.
  public static let longestWait: Duration = .seconds(2)

  /// Where the lines go.
  public let path: String
  private let waitLimit: Duration

  /// A sink that appends to the file at `path`; nothing is opened yet.
  public init(path: String, waitLimit: Duration = Self.longestWait) {
    self.path = path
    self.waitLimit = waitLimit
  }

  /// Appends each payload, JSON without a newline, as one line.
  ///
  /// - Returns: How many of them, from the first on, were appended. All, unless the reader of a pipe is too slow.
  /// - Throws: ``FileSinkError`` if none was appended.
  @discardableResult
  public func append(_ payloads: [[UInt8]]) throws(FileSinkError) -> Int {
    guard !payloads.isEmpty else { return 0 }
    let (file, kind) = try open()
    defer { file.close() }
    let deadline = MonotonicInstant.now() + waitLimit
    switch kind {
    case S_IFREG:
      try lock(file, until: deadline)
      try append(Self.lines(payloads), toFile: file, until: deadline)
    case S_IFIFO:
      try lock(file, until: deadline)
      return try append(payloads, toPipe: file, until: deadline)
    default:
      var written = 0
      try write(Self.lines(payloads), to: file, counting: &written, until: deadline)
    }
    return payloads.count
  }

  /// Finds out whether the file takes lines, without writing one. It is made if it is missing.
  ///
  /// - Throws: ``FileSinkError/cannotOpen(path:errno:)`` or ``FileSinkError/noReader(path:)``.
  public func check() throws(FileSinkError) { try open().file.close() }

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
  private func open() throws(FileSinkError) -> (file: Descriptor, kind: mode_t) {
    var status = stat()
    // Opened for reading too, this process would be the pipe's reader, and payloads would vanish in it.
    var isPipe = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    do throws(SystemError) {
      while true {
        let access = isPipe ? O_WRONLY : O_RDWR | O_CREAT
        let file = try Descriptor.open(path, flags: access | O_APPEND | O_NONBLOCK | O_NOCTTY, mode: 0o600)
        guard file.withNumber({ fstat($0, &status) }) == 0 else { throw SystemError(errno) }
        let kind = status.st_mode & S_IFMT
        if kind != S_IFIFO || isPipe { return (file, kind) }
        // The path was given to a pipe since it was looked at.
        isPipe = true
      }
    } catch {
      throw isPipe && error.code == ENXIO ? .noReader(path: path) : .cannotOpen(path: path, errno: error.code)
    }
  }

  /// Takes the file's lock, which ends with the descriptor.
  private func lock(_ file: Descriptor, until deadline: MonotonicInstant) throws(FileSinkError) {
    // Without locks in the file system, appending is still atomic enough for one writer.
    guard file.lock(.exclusive, until: deadline) != .busy else { throw .locked(path: path) }
  }

  /// Appends whole lines to a regular file: all of them or none.
  private func append(
    _ lines: [UInt8], toFile file: Descriptor, until deadline: MonotonicInstant
  ) throws(FileSinkError) {
    // Only now, under the lock, no other algo-run changes the length.
    let length = file.size
    let bytes = try endsInLine(file, length: length) ? [Self.newline] + lines : lines
    var written = 0
    do throws(FileSinkError) {
      try write(bytes, to: file, counting: &written, until: deadline)
    } catch {
      // A program that appends without the lock may have written behind the part of a line that this call wrote. Then
      // that part stays, and the next payload begins on a line of its own.
      if written > 0, file.size == length + written { try? file.truncate(to: length) }
      throw error
    }
  }

  /// Whether the file's last line lacks its newline.
  private func endsInLine(_ file: Descriptor, length: Int) throws(FileSinkError) -> Bool {
    guard length > 0 else { return false }
    var last: UInt8 = 0
    guard file.withNumber({ pread($0, &last, 1, length - 1) }) == 1 else { throw .cannotWrite(path: path, errno: EIO) }
    return last != Self.newline
  }

  /// Writes all of `bytes` from `written` on, and counts in it. Waits for a slow reader until `deadline`.
  func write(
    _ bytes: [UInt8], to file: Descriptor, counting written: inout Int, until deadline: MonotonicInstant
  ) throws(FileSinkError) {
    while written < bytes.count {
      let start = written
      let count = WriteSignals.blocked {
        file.withNumber { number in
          bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress?.advanced(by: start), bytes.count - start) }
        }
      }
      guard count <= 0 else {
        written += count
        continue
      }
      switch count == 0 ? ENOSPC : errno {
      case EINTR: continue
      case EAGAIN:
        guard MonotonicInstant.now() < deadline else { throw .cannotWrite(path: path, errno: EAGAIN) }
        file.waitUntilReady(for: .write, milliseconds: 10)
      case let reason: throw .cannotWrite(path: path, errno: reason)
      }
    }
  }
}
