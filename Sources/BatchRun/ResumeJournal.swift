// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import RunModel

/// The results of an earlier batch in the output file, and the preparation of that file for more.
///
/// The output file is the journal: nothing else has to be kept, moved or lost. A line counts for the version and the
/// input it names, never for its place in a list. Lines of failed requests are removed, because these run again and a
/// request has one line: a new file is written beside the old one and renamed, so that a crash at any moment leaves one
/// of them.
struct ResumeJournal {
  /// The occurrences of inputs that have succeeded.
  let succeeded: DiskHashTable
  /// Whole lines that no batch has written.
  let foreignLines: Int
  /// Lines of this version that did not succeed.
  let failedLines: Int

  /// Reads the results of `algorithm` (`OWNER/NAME/VERSION`); changes nothing.
  ///
  /// - Throws: ``BatchFailure/notResults(path:)`` if the file has lines and none is a result.
  init(reading file: OutputFile, algorithm: String, spillDirectory: String) throws(BatchFailure) {
    succeeded = try DiskHashTable(directory: spillDirectory)
    var (foreign, failed, results) = (0, 0, 0)
    let succeeded = succeeded
    try ResultReader(descriptor: file.descriptor, path: file.path).forEachLine { (line) throws(BatchFailure) in
      guard let digest = line.digest, line.isResult else {
        foreign += 1
        return
      }
      results += 1
      guard line.algorithm == algorithm else { return }
      if line.outcome == .succeeded {
        try succeeded.increment(DiskHashTable.Key(digest, occurrence: line.occurrence))
      } else {
        failed += 1
      }
    }
    guard results > 0 || foreign == 0 && Self.beginsLikeResults(file) else { throw .notResults(path: file.path) }
    (foreignLines, failedLines) = (foreign, failed)
  }

  /// Whether a file without a whole line can be the start of a batch's first line. Other content must not be cut.
  private static func beginsLikeResults(_ file: OutputFile) -> Bool {
    let expected = Array("{\"index\":".utf8)
    var start = [UInt8](repeating: 0, count: expected.count)
    let count = start.withUnsafeMutableBytes { try? file.descriptor.read(into: $0, at: 0) }
    return count.map { expected.starts(with: start[..<$0]) } ?? false
  }

  /// Removes the lines of failed requests of `algorithm` from the file.
  ///
  /// - Returns: The file to append to.
  func withoutFailures(in file: OutputFile, algorithm: String) throws(BatchFailure) -> OutputFile {
    let target = Self.resolved(file.path)
    let name = target.lastIndex(of: "/").map { target.index(after: $0) } ?? target.startIndex
    let directory = String(target[..<name])
    // No other program uses this name. A batch that was killed may have left the file.
    let beside = directory + ".\(target[name...]).algo-run-resuming"
    unlink(beside)
    guard failedLines > 0 else { return file }
    // Locked from its first moment, so that no second batch can write to it. Without a name if possible, so that a
    // killed batch leaves nothing.
    let unnamed = try OutputFile(unnamedIn: directory.isEmpty ? "." : directory)
    let fresh = if let unnamed { unnamed } else { try OutputFile(path: beside) }
    Self.giveRights(of: file, to: fresh)
    do throws(BatchFailure) {
      var kept = 0..<0
      try ResultReader(descriptor: file.descriptor, path: file.path).forEachLine { (line) throws(BatchFailure) in
        let isFailed = line.isResult && line.algorithm == algorithm && line.outcome != .succeeded
        if !isFailed, line.range.lowerBound == kept.upperBound {
          kept = kept.lowerBound..<line.range.upperBound
          return
        }
        try Self.copy(kept, from: file, to: fresh)
        kept = isFailed ? line.range.upperBound..<line.range.upperBound : line.range
      }
      try Self.copy(kept, from: file, to: fresh)
      return try fresh.replace(target, by: beside, as: file.path)
    } catch {
      unlink(beside)
      throw error
    }
  }

  /// Owner, group and permissions, as far as this user may give them: an administrator who resumes the batch of another
  /// user must not take the results from that user.
  private static func giveRights(of file: OutputFile, to fresh: OutputFile) {
    var status = stat()
    guard file.descriptor.withNumber({ fstat($0, &status) }) == 0 else { return }
    fresh.descriptor.withNumber { number in
      if fchown(number, status.st_uid, status.st_gid) != 0 { _ = fchown(number, uid_t.max, status.st_gid) }
      // Last: a change of the owner takes permissions away.
      _ = fchmod(number, status.st_mode & 0o7777)
    }
  }

  private static func copy(_ range: Range<Int>, from file: OutputFile, to fresh: OutputFile) throws(BatchFailure) {
    try withUnsafeTemporaryAllocation(byteCount: 262_144, alignment: 16) { (buffer) throws(BatchFailure) in
      var start = range.lowerBound
      while start < range.upperBound {
        let wanted = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(range.upperBound - start))
        let count: Int
        do throws(SystemError) { count = try file.descriptor.read(into: wanted, at: start) } catch {
          throw .cannotReadOutput(path: file.path, code: error.code)
        }
        guard count > 0 else { throw .cannotReadOutput(path: file.path, code: EIO) }
        var written = 0
        while written < count {
          let result = fresh.append(UnsafeRawBufferPointer(rebasing: wanted[written..<count]))
          if result < 0, errno == EINTR { continue }
          guard result > 0 else { throw .cannotWriteOutput(path: file.path, code: result < 0 ? errno : EIO) }
          written += result
        }
        start += count
      }
    }
  }

  /// The target of a symbolic link: the link must remain one.
  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    // A name that is not UTF-8 cannot be carried: then the results take the place of the link.
    return String(validatingCString: real) ?? path
  }
}
