// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import Glibc
internal import Platform

/// Reads a request list, one request at a time and never more than a buffer ahead. Owns the file it is reading.
///
/// It never blocks: it reports that standard input is empty, and the loop continues supervising.
final class RequestReader {
  /// The result of one call.
  enum Step {
    case request(Request)
    /// There is more to do: call again, after a turn of the loop.
    case again
    /// Nothing can be read now: wait for the descriptor.
    case wait(Descriptor)
    case end
  }

  private let sources: [RequestSource]
  private let spillDirectory: String
  private let takesEnvelopes: Bool
  private var nextSource = 0
  private var current: OpenSource?
  private var line: InputCollector
  private var envelope: EnvelopeReader
  private var lineIsBlank = true
  private var lineLength = 0
  private var index = 0
  private let occurrences: DiskHashTable
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
  private var unread = 0..<0

  init(sources: [RequestSource], takesEnvelopes: Bool, spillDirectory: String) throws(BatchFailure) {
    occurrences = try DiskHashTable(directory: spillDirectory)
    self.sources = sources
    self.takesEnvelopes = takesEnvelopes
    self.spillDirectory = spillDirectory
    line = InputCollector(spillDirectory: spillDirectory)
    envelope = EnvelopeReader(spillDirectory: spillDirectory)
  }

  deinit { buffer.deallocate() }

  /// The next request, or why there is none now. Reads at most 1 MiB.
  ///
  /// - Throws: ``BatchFailure/cannotReadRequests(path:code:)`` if a list of lines cannot be read to its end.
  func next() throws(BatchFailure) -> Step {
    for _ in 0..<16 {
      guard let source = current else {
        guard nextSource < sources.count else { return .end }
        nextSource += 1
        switch OpenSource.opening(sources[nextSource - 1]) {
        case .success(let opened): current = opened
        case .failure(let failure): return .request(try problem(failure.words, with: sources[nextSource - 1].path))
        }
        continue
      }
      while source.kind == .lines, !unread.isEmpty {
        if let request = try takeLine(of: source) { return .request(request) }
      }
      if let step = try fill(from: source) { return step }
    }
    return .again
  }

  /// Reads once; nil if it can continue immediately.
  private func fill(from source: OpenSource) throws(BatchFailure) -> Step? {
    guard source.isAlwaysReady || source.descriptor.isReady(for: .read) else { return .wait(source.descriptor) }
    let count = source.descriptor.withNumber { read($0, buffer.baseAddress, buffer.count) }
    if count < 0 {
      if errno == EINTR || errno == EAGAIN { return .again }
      if source.kind == .lines { throw .cannotReadRequests(path: source.path, code: errno) }
      current = nil
      return .request(try problem("cannot read it: \(SystemError(errno))", with: source.path))
    }
    if count == 0 {
      current = nil
      if source.kind == .lines {
        // The last line may lack its newline.
        return try finishLine(of: source).map { .request($0) }
      }
      return .request(try finishWhole(source))
    }
    let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
    if source.kind == .lines {
      unread = (source.line == 0 && lineLength == 0 ? bytes.byteOrderMarkLength : 0)..<count
    } else {
      // A regular file is read again by its child: here it is only hashed.
      if source.isAlwaysReady { source.hash(bytes) } else { try line.append(bytes) }
    }
    return nil
  }

  /// The request of a line that ends in the buffer; nil after a blank line, and after the whole buffer was taken.
  private func takeLine(of source: OpenSource) throws(BatchFailure) -> Request? {
    let bytes = UnsafeRawBufferPointer(rebasing: buffer[unread])
    let newline = bytes.offsetOfNewline
    let length = newline ?? bytes.count
    let piece = UnsafeRawBufferPointer(rebasing: bytes[..<length])
    if takesEnvelopes { try envelope.append(piece) } else { try line.append(piece) }
    lineLength += length
    lineIsBlank = lineIsBlank && piece.isBlank
    guard newline != nil else {
      unread = 0..<0
      return nil
    }
    unread = unread.lowerBound + length + 1..<unread.upperBound
    return try finishLine(of: source)
  }

  /// The request of the line that was collected; nil if the line is blank.
  private func finishLine(of source: OpenSource) throws(BatchFailure) -> Request? {
    source.line += 1
    defer { (lineLength, lineIsBlank) = (0, true) }
    let (requestID, input, problem) = takesEnvelopes ? envelope.finish() : (nil, line.finish(), nil)
    guard !lineIsBlank else { return nil }
    return try request(source.path, source.line, requestID, input, problem)
  }

  private func finishWhole(_ source: OpenSource) throws(BatchFailure) -> Request {
    let input =
      source.isAlwaysReady
      ? HashedInput(bytes: .path(source.path), digest: source.digest(), size: source.hashed) : line.finish()
    return try request(source.path, nil, nil, input, nil)
  }

  private func problem(_ words: String, with path: String) throws(BatchFailure) -> Request {
    line = InputCollector(spillDirectory: spillDirectory)
    return try request(path, nil, nil, line.finish(), words)
  }

  private func request(
    _ path: String, _ line: Int?, _ requestID: String?, _ input: HashedInput, _ problem: String?
  ) throws(BatchFailure) -> Request {
    defer { index += 1 }
    var request = Request(index: index, path: path, line: line, requestID: requestID, input: input, problem: problem)
    if problem == nil { request.occurrence = try occurrences.increment(DiskHashTable.Key(input.digest)) }
    return request
  }
}
