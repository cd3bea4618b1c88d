internal import Glibc
internal import Platform
internal import ProcessSupervision

/// Where results go: a file of our own, locked against a second batch, or standard output.
final class OutputFile {
  /// For messages.
  let path: String
  let descriptor: Int32
  /// Whether writing never waits for a reader.
  let isRegular: Bool
  private let owned: Descriptor?

  /// Standard output.
  convenience init() {
    self.init(path: "standard output", descriptor: 1, owned: nil)
  }

  private init(path: String, descriptor: Int32, owned: Descriptor?) {
    self.path = path
    self.descriptor = descriptor
    self.owned = owned
    isRegular = Self.isRegular(descriptor)
  }

  /// Opens the results at `path` to be looked at only.
  convenience init(reading path: String) throws(BatchFailure) {
    do throws(SystemError) {
      let opened = try Descriptor.reading(path)
      self.init(path: path, descriptor: opened.withNumber { $0 }, owned: opened)
    } catch {
      throw .cannotReadOutput(path: path, code: error.code)
    }
  }

  /// The same file under another name.
  func renamed(to path: String) -> OutputFile { OutputFile(path: path, descriptor: descriptor, owned: owned) }

  /// Opens `path` for appending, and creates it where it is not there.
  ///
  /// - Throws: ``BatchFailure``, before anything was changed.
  init(path: String) throws(BatchFailure) {
    self.path = path
    do throws(SystemError) {
      // Read, too: a torn line is looked for from the end.
      let opened = try Descriptor.open(path, flags: O_RDWR | O_CREAT | O_APPEND, mode: 0o666)
      owned = opened
      descriptor = opened.withNumber { $0 }
    } catch let first {
      // Some devices and FIFOs can only be written.
      do throws(SystemError) {
        let opened = try Descriptor.open(path, flags: O_WRONLY | O_APPEND, mode: 0o666)
        owned = opened
        descriptor = opened.withNumber { $0 }
      } catch {
        throw .cannotOpenOutput(path: path, code: error.code == ENOENT ? first.code : error.code)
      }
    }
    isRegular = Self.isRegular(descriptor)
    guard !isRegular || flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      throw .outputIsBusy(path: path)
    }
  }

  /// Bytes in the file.
  var size: Int {
    var information = stat()
    return fstat(descriptor, &information) == 0 ? Int(information.st_size) : 0
  }

  /// Removes all results.
  func clear() throws(BatchFailure) {
    guard ftruncate(descriptor, 0) == 0 else { throw .cannotWriteOutput(path: path, code: errno) }
  }

  /// Removes what comes after the last newline: what a killed batch or a full disk left of a line.
  func cutTornLine() {
    guard owned != nil, isRegular else { return }
    var end = size
    withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
      while end > 0 {
        let start = max(0, end - buffer.count)
        let count = pread(descriptor, buffer.baseAddress, end - start, start)
        guard count > 0 else { return }
        if let newline = buffer[..<count].lastIndex(of: UInt8(ascii: "\n")) {
          end = start + newline + 1
          break
        }
        end = start
      }
      if end < size { ftruncate(descriptor, end) }
    }
  }

  private static func isRegular(_ descriptor: Int32) -> Bool {
    var information = stat()
    return fstat(descriptor, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
  }
}
