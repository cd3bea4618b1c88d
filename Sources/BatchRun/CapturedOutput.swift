// SPDX-License-Identifier: Apache-2.0
internal import JSONText

/// The stdout of one child, up to a limit: a short one in memory, a longer one in a file.
///
/// Its form (JSON, text, neither) is determined while it arrives, so that writing the result takes one more pass and no
/// memory. Objects are used again for later requests.
package final class CapturedOutput {
  /// The encoding in the result line.
  package enum Form { case json, text, base64 }

  private let limit: Int
  private var kept: SpillBuffer
  private var json = JSONScanner()
  private var text = UTF8Scanner()
  /// Whether there was more than the limit, or more than the disk could take.
  private(set) var isTruncated = false
  /// Why a part could not be kept, other than the limit.
  private(set) var failure: BatchFailure?

  /// - Parameters:
  ///   - limit: bytes to keep; further bytes are read and dropped.
  ///   - spillDirectory: holds the file, if one is needed.
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

  /// The encoding in the result line.
  var form: Form {
    if json.isComplete, !isTruncated { return .json }
    // A limit may cut a character in two; output that ends in half a character is not text.
    return text.isValid && (text.unfinished == 0 || isTruncated) ? .text : .base64
  }

  /// Bytes in the result line: all that were kept, without a character that the limit cut in two.
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
