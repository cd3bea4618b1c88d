internal import JSONText

/// What one child wrote to stdout: in memory while it is little, then in a file; never more than its limit.
///
/// What it is (JSON, text, neither) is found out while it arrives, so that writing the result needs one more pass and
/// no memory. Objects are used again for later requests.
final class CapturedOutput {
  /// How the result line carries it.
  enum Form { case json, text, base64 }

  private let limit: Int
  private var kept: SpillBuffer
  private var json = JSONScanner()
  private var text = UTF8Scanner()
  /// Whether there was more than the limit, or than the disk could take.
  private(set) var isTruncated = false
  /// Why not all of it could be kept, where that was not the limit.
  private(set) var failure: BatchFailure?

  /// - Parameters:
  ///   - limit: bytes kept; what comes after them is read and dropped.
  ///   - spillDirectory: where the file is, if it needs one.
  init(limit: Int, spillDirectory: String) {
    self.limit = limit
    kept = SpillBuffer(directory: spillDirectory)
  }

  /// Takes the next bytes.
  func receive(_ arrived: UnsafeRawBufferPointer) {
    let piece = UnsafeRawBufferPointer(rebasing: arrived.prefix(limit - size))
    if piece.count < arrived.count { isTruncated = true }
    guard !piece.isEmpty, failure == nil else { return }
    do throws(BatchFailure) {
      try kept.append(piece)
    } catch {
      failure = error
      isTruncated = true
      return
    }
    json.consume(piece)
    text.consume(piece)
  }

  /// Bytes kept.
  var size: Int { kept.size }

  /// How the result line carries what was kept.
  var form: Form {
    if json.isComplete, !isTruncated { return .json }
    // A limit may cut a character in two; a child that ends in half a character wrote no text.
    return text.isValid && (text.unfinished == 0 || isTruncated) ? .text : .base64
  }

  /// Bytes that the result line carries: all that were kept, less a character that the limit cut in two.
  var usableSize: Int { form == .text ? size - text.unfinished : size }

  /// Whether it went to disk.
  var isSpilled: Bool { kept.file != nil }

  /// Bytes held in memory.
  var memoryUsed: Int { kept.bytes.count }

  /// Reads up to `buffer.count` bytes at `offset`.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(BatchFailure) -> Int {
    try kept.read(into: buffer, at: offset)
  }

  /// Forgets all, for the next request.
  func reset() {
    kept.reset()
    json = JSONScanner()
    text = UTF8Scanner()
    isTruncated = false
    failure = nil
  }
}
