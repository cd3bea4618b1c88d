internal import Glibc
internal import Platform

/// Where results go: a file of our own, locked against a second batch, or standard output.
final class OutputFile {
  /// For messages.
  let path: String
  let descriptor: Descriptor
  /// Whether writing never waits for a reader.
  let isRegular: Bool

  /// Standard output.
  convenience init() {
    self.init(path: "standard output", descriptor: .standardOutput)
  }

  private init(path: String, descriptor: Descriptor) {
    self.path = path
    self.descriptor = descriptor
    isRegular = descriptor.isRegularFile
  }

  /// Opens the results at `path` to be looked at only.
  convenience init(reading path: String) throws(BatchFailure) {
    do throws(SystemError) {
      self.init(path: path, descriptor: try Descriptor.reading(path))
    } catch {
      throw .cannotReadOutput(path: path, code: error.code)
    }
  }

  /// The same file under another name.
  func renamed(to path: String) -> OutputFile { OutputFile(path: path, descriptor: descriptor) }

  /// Opens `path` for appending, and creates it where it is not there.
  ///
  /// - Throws: ``BatchFailure``, before anything was changed.
  init(path: String) throws(BatchFailure) {
    self.path = path
    do throws(SystemError) {
      // Read, too: a torn line is looked for from the end.
      descriptor = try Descriptor.open(path, flags: O_RDWR | O_CREAT | O_APPEND, mode: 0o666)
    } catch let first {
      // Some devices and FIFOs can only be written.
      do throws(SystemError) {
        descriptor = try Descriptor.open(path, flags: O_WRONLY | O_APPEND, mode: 0o666)
      } catch {
        throw .cannotOpenOutput(path: path, code: error.code == ENOENT ? first.code : error.code)
      }
    }
    isRegular = descriptor.isRegularFile
    guard !isRegular || descriptor.withNumber({ flock($0, LOCK_EX | LOCK_NB) }) == 0 || errno != EWOULDBLOCK else {
      throw .outputIsBusy(path: path)
    }
  }

  /// Bytes in the file.
  var size: Int { descriptor.size }

  /// Removes all results.
  func clear() throws(BatchFailure) {
    guard descriptor.withNumber({ ftruncate($0, 0) }) == 0 else { throw .cannotWriteOutput(path: path, code: errno) }
  }

  /// Removes what comes after the last newline: what a killed batch or a full disk left of a line.
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
      if end < size { _ = descriptor.withNumber { ftruncate($0, end) } }
    }
  }
}
