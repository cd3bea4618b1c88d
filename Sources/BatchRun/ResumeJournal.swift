internal import Glibc
internal import Platform
internal import RunModel

/// What an earlier batch left in the output file, and how the file is made ready to go on with.
///
/// The output file is the journal: nothing else has to be kept, moved or lost. A line counts for the version and the
/// input it names, never for its place in a list. Lines of requests that failed are taken out, because they run again
/// and a request has one line; this writes a new file beside the old one and renames it, so that a crash at any moment
/// leaves the one or the other.
struct ResumeJournal {
  /// The occurrences of inputs that have succeeded.
  let succeeded: DigestTable
  /// Whole lines that no batch has written.
  let foreignLines: Int
  /// Lines of this version that did not succeed.
  let failedLines: Int

  /// Reads the results of `algorithm` (`OWNER/NAME/VERSION`); changes nothing.
  ///
  /// - Throws: ``BatchFailure/notResults(path:)`` where the file has lines and none is a result.
  init(reading file: OutputFile, algorithm: String, spillDirectory: String) throws(BatchFailure) {
    succeeded = try DigestTable(directory: spillDirectory)
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
        try succeeded.increment(DigestTable.Key(digest, occurrence: line.occurrence))
      } else {
        failed += 1
      }
    }
    guard results > 0 || foreign == 0 && Self.beginsLikeResults(file) else { throw .notResults(path: file.path) }
    (foreignLines, failedLines) = (foreign, failed)
  }

  /// Whether a file without a whole line can be what a batch had written of its first: anything else would be cut.
  private static func beginsLikeResults(_ file: OutputFile) -> Bool {
    let expected = Array("{\"index\":".utf8)
    var start = [UInt8](repeating: 0, count: expected.count)
    let count = start.withUnsafeMutableBytes { try? file.descriptor.read(into: $0, at: 0) }
    return count.map { expected.starts(with: start[..<$0]) } ?? false
  }

  /// Takes the lines of failed requests of `algorithm` out of the file.
  ///
  /// - Returns: The file to append to.
  func withoutFailures(in file: OutputFile, algorithm: String) throws(BatchFailure) -> OutputFile {
    guard failedLines > 0 else { return file }
    let target = Self.resolved(file.path)
    // A name that nobody else gives a file: what a killed batch left of it is thrown away.
    let name = target.lastIndex(of: "/").map { target.index(after: $0) } ?? target.startIndex
    let beside = String(target[..<name]) + ".\(target[name...]).algo-run-resuming"
    unlink(beside)
    var information = stat()
    _ = file.descriptor.withNumber { fstat($0, &information) }
    // Locked from its first moment, so that no second batch can come between.
    let fresh = try OutputFile(path: beside)
    _ = fresh.descriptor.withNumber { fchmod($0, information.st_mode & 0o7777) }
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
      guard fresh.descriptor.withNumber({ fsync($0) }) == 0, rename(beside, target) == 0 else {
        throw .cannotWriteOutput(path: file.path, code: errno)
      }
    } catch {
      unlink(beside)
      throw error
    }
    return fresh.renamed(to: file.path)
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
        do throws(SystemError) {
          try fresh.descriptor.writeAll(UnsafeRawBufferPointer(rebasing: wanted[..<count]))
        } catch { throw .cannotWriteOutput(path: file.path, code: error.code) }
        start += count
      }
    }
  }

  /// The file that a symbolic link names: the link is to stay one.
  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    // A name that is not UTF-8 cannot be carried: then the results take the place of the link.
    return String(validatingCString: real) ?? path
  }
}
