// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import ProcessSupervision

/// The results of a batch: a file of its own, locked against a second batch, a named pipe, or standard output.
final class OutputFile {
  /// How long another batch may keep the lock. A batch that was killed while it started a child keeps it until that
  /// child has ended or runs its program.
  private static let lockWait = Duration.seconds(2)

  /// For messages.
  let path: String
  let descriptor: Descriptor
  /// Whether writing never waits for a reader.
  let isRegular: Bool
  /// Whether it had a name when it was opened. A temporary file without one loses none.
  private let hasName: Bool
  /// The minimal size of the file.
  private var expectedSize: Int

  /// The name of standard output in messages.
  static let standardOutputName = "standard output"

  /// Standard output.
  convenience init() {
    self.init(path: Self.standardOutputName, descriptor: .standardOutput)
  }

  private init(path: String, descriptor: Descriptor) {
    self.path = path
    self.descriptor = descriptor
    isRegular = descriptor.isRegularFile
    hasName = descriptor.hasName
    expectedSize = descriptor.size
  }

  /// Opens the results at `path` for reading only.
  convenience init(reading path: String) throws(BatchFailure) {
    do throws(SystemError) {
      self.init(path: path, descriptor: try Descriptor.reading(path))
    } catch {
      throw .cannotReadOutput(path: path, code: error.code)
    }
  }

  /// Opens `path` for appending, and creates it if it is not there. For the reader of a named pipe it waits as `>`
  /// does, at most for `limit`.
  ///
  /// - Throws: ``BatchFailure``, before anything was changed.
  convenience init(path: String, waitingOn supervisor: Supervisor, limit: Duration?) throws(BatchFailure) {
    // Opened for reading as well, this process would be the pipe's reader, and results would be lost in it.
    guard Supervisor.isPipe(path) else {
      try self.init(path: path)
      return
    }
    do throws(OpenFailure) {
      let opened = try supervisor.open(path, flags: O_WRONLY, until: limit.map { .now() + $0 })
      // Another writer of the pipe could fill it between a check and a write.
      _ = opened.withNumber { fcntl($0, F_SETFL, O_NONBLOCK) }
      self.init(path: path, descriptor: opened)
    } catch {
      switch error {
      case .system(let error): throw .cannotOpenOutput(path: path, code: error.code)
      case .interrupted: throw .interruptedAtOutput(path: path)
      case .timedOut: throw .noOutputReader(path: path, limit: limit ?? .zero)
      }
    }
  }

  /// Opens the file `path` for appending, and creates it if it is not there.
  ///
  /// - Throws: ``BatchFailure``, before anything was changed.
  convenience init(path: String) throws(BatchFailure) {
    let opened: Descriptor
    do throws(SystemError) {
      // For reading, too: a torn line is searched from the end.
      opened = try Descriptor.open(path, flags: O_RDWR | O_CREAT | O_APPEND, mode: 0o666)
    } catch let first {
      // Some devices can only be written.
      do throws(SystemError) {
        opened = try Descriptor.open(path, flags: O_WRONLY | O_APPEND, mode: 0o666)
      } catch {
        throw .cannotOpenOutput(path: path, code: error.code == ENOENT ? first.code : error.code)
      }
    }
    self.init(path: path, descriptor: opened)
    try lock()
  }

  /// A file in `directory` that ``replace(_:by:as:)`` gives a name; nil if the system has none.
  convenience init?(unnamedIn directory: String) throws(BatchFailure) {
    guard let opened = try? Descriptor.unnamedFile(in: directory) else { return nil }
    self.init(path: directory, descriptor: opened)
    try lock()
  }

  private func lock() throws(BatchFailure) {
    guard !isRegular || descriptor.lock(.exclusive, until: .now() + Self.lockWait) != .busy else {
      throw .outputIsBusy(path: path)
    }
  }

  /// Replaces `target` by this file, complete and on the disk. `draft` is its name until then.
  ///
  /// - Returns: The same file as `path`.
  func replace(_ target: String, by draft: String, as path: String) throws(BatchFailure) -> OutputFile {
    do throws(SystemError) {
      try descriptor.sync()
      if !hasName { try descriptor.link(as: draft) }
      guard rename(draft, target) == 0 else { throw SystemError(errno) }
    } catch { throw .cannotWriteOutput(path: path, code: error.code) }
    return OutputFile(path: path, descriptor: descriptor)
  }

  /// Writes a part of `bytes`, as write(2) does: returns how many, or -1 with `errno`.
  func append(_ bytes: UnsafeRawBufferPointer) -> Int {
    let count = descriptor.withNumber { write($0, bytes.baseAddress, bytes.count) }
    if count > 0 { expectedSize += count }
    return count
  }

  /// Checks that the results are still there: a file that was deleted, replaced or truncated takes further results
  /// without an error.
  ///
  /// - Throws: ``BatchFailure/outputLost(path:_:)``.
  func checkPresence() throws(BatchFailure) {
    guard descriptor !== Descriptor.standardOutput, isRegular else { return }
    var (own, named) = (stat(), stat())
    guard descriptor.withNumber({ fstat($0, &own) }) == 0 else { return }
    if hasName, own.st_nlink == 0 { throw .outputLost(path: path, .deleted) }
    let isThere = stat(path, &named) == 0
    if isThere ? (named.st_dev, named.st_ino) != (own.st_dev, own.st_ino) : errno == ENOENT || errno == ENOTDIR {
      throw .outputLost(path: path, .replaced)
    }
    if own.st_size < off_t(expectedSize) { throw .outputLost(path: path, .truncated) }
  }

  /// Has the file system report data that it could not store: some do so only when a descriptor is closed.
  ///
  /// - Throws: ``BatchFailure/cannotWriteOutput(path:code:)``.
  func checkStorage() throws(BatchFailure) {
    guard isRegular else { return }
    let copy = descriptor.withNumber { fcntl($0, F_DUPFD_CLOEXEC, 0) }
    guard copy >= 0, close(copy) != 0, errno != EINTR else { return }
    throw .cannotWriteOutput(path: path, code: errno)
  }

  /// Bytes in the file.
  var size: Int { descriptor.size }

  /// Removes all results.
  func clear() throws(BatchFailure) {
    do throws(SystemError) {
      try descriptor.truncate(to: 0)
    } catch { throw .cannotWriteOutput(path: path, code: error.code) }
    expectedSize = 0
  }

  /// Removes the part after the last newline: a line that a killed batch or a full disk left incomplete.
  func cutTornLine() {
    guard descriptor !== Descriptor.standardOutput, isRegular else { return }
    var end = size
    withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
      while end > 0 {
        let start = max(0, end - buffer.count)
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(end - start)])
        guard let count = try? descriptor.read(into: piece, at: start), count > 0 else { return }
        if let newline = buffer[..<count].lastIndex(of: UInt8(ascii: "\n")) {
          end = start + newline + 1
          break
        }
        end = start
      }
      if end < size { try? descriptor.truncate(to: end) }
      expectedSize = end
    }
  }
}
