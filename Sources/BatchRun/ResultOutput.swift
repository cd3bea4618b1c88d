// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// Writes result lines, whole ones, in the order they are given. Owns the output file.
///
/// It never blocks on a reader: it reports that a pipe is full, and the loop continues supervising children.
final class ResultOutput {
  /// The state after one call of ``pump()``.
  enum State {
    /// Everything is written.
    case idle
    /// There is more to do now.
    case more
    /// The reader of this descriptor is slower than the batch.
    case blocked(Descriptor)
  }

  private enum Item {
    case line(ResultLine, FinishedRequest)
    case held(AnonymousFile, Range<Int>)
  }

  private static let flushAt = 65_536
  /// A pipe that is writable takes this many bytes without blocking.
  private static let pipeUnit = 4096

  private let file: OutputFile
  private let release: (FinishedRequest) -> Void
  private var queue: [Item] = []
  private var taken = 0
  private var buffer: [UInt8] = []
  private var unwritten = 0
  /// Whether results can no longer be written.
  private(set) var isClosed = false

  /// - Parameters:
  ///   - file: where lines go.
  ///   - release: called with each request whose line no longer needs its output.
  init(file: OutputFile, release: @escaping (FinishedRequest) -> Void) {
    self.file = file
    self.release = release
  }

  /// Lines that are not in the buffer yet.
  var backlog: Int { queue.count - taken }

  /// Whether everything is written.
  var isIdle: Bool { queue.isEmpty && buffer.isEmpty }

  /// Takes a finished request.
  func append(_ finished: FinishedRequest) { append(.line(ResultLine(of: finished), finished)) }

  /// Takes a line that was kept aside.
  func append(_ file: AnonymousFile, _ range: Range<Int>) { append(.held(file, range)) }

  private func append(_ item: Item) { if !isClosed { queue.append(item) } }

  /// Drops everything that is not written.
  func close() {
    isClosed = true
    (queue, taken, buffer, unwritten) = ([], 0, [], 0)
  }

  /// Does a bounded piece of the work.
  ///
  /// - Throws: ``BatchFailure`` if results can no longer be written; a file is then cut to its last whole line.
  func pump() throws(BatchFailure) -> State {
    while taken < queue.count, buffer.count - unwritten < Self.flushAt {
      if try renderNext() { taken += 1 }
    }
    if taken == queue.count || taken > 1024 {
      queue.removeFirst(taken)
      taken = 0
    }
    while unwritten < buffer.count {
      guard try writeOnce() else { return .blocked(file.descriptor) }
    }
    buffer.removeAll(keepingCapacity: buffer.capacity <= 4 * Self.flushAt)
    unwritten = 0
    return queue.isEmpty ? .idle : .more
  }

  /// Checks that everything that was written is stored and in its place.
  ///
  /// - Throws: ``BatchFailure``.
  func verify() throws(BatchFailure) {
    try file.checkStorage()
    try file.checkPresence()
  }

  /// True once the first item of the queue is in the buffer as a whole.
  private func renderNext() throws(BatchFailure) -> Bool {
    switch queue[taken] {
    case .line(var line, let finished):
      let isComplete = try line.append(to: &buffer)
      if isComplete { release(finished) } else { queue[taken] = .line(line, finished) }
      return isComplete
    case .held(let file, let range):
      let piece = range.prefix(Self.flushAt)
      try file.append(to: &buffer, from: piece.lowerBound..<piece.upperBound)
      queue[taken] = .held(file, piece.upperBound..<range.upperBound)
      return piece.upperBound == range.upperBound
    }
  }

  /// False if nothing can be written now.
  private func writeOnce() throws(BatchFailure) -> Bool {
    if file.isRegular {
      try file.checkPresence()
    } else {
      guard file.descriptor.isReady(for: .write) else { return false }
    }
    let count = buffer.withUnsafeBytes { bytes in
      let rest = bytes[unwritten...].prefix(file.isRegular ? bytes.count : Self.pipeUnit)
      return file.append(UnsafeRawBufferPointer(rebasing: rest))
    }
    if count >= 0 {
      unwritten += count
      return true
    }
    switch errno {
    case EINTR: return true
    case EAGAIN: return false
    case EPIPE: throw .outputReaderGone
    case let code:
      file.cutTornLine()
      throw .cannotWriteOutput(path: file.path, code: code)
    }
  }
}
