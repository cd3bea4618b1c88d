// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import JSONText
internal import Platform
internal import RunModel

/// Reads the results of an earlier batch, line by line, in one buffer however long a line is.
struct ResultReader {
  /// The facts of a line for `--resume`.
  struct Line {
    /// Its place in the file, newline included.
    var range: Range<Int>
    /// `OWNER/NAME/VERSION`; nil if it is null or the line is not a result.
    var algorithm: String?
    var digest: SHA256.Digest?
    /// Which of several equal inputs it was, counted from 1.
    var occurrence = 1
    var outcome: Outcome?

    /// Whether it was written by a batch.
    var isResult: Bool { digest != nil && outcome != nil }
  }

  let descriptor: Descriptor
  let path: String

  /// Calls `visit` with each whole line.
  ///
  /// - Throws: what `visit` throws, or ``BatchFailure/cannotReadOutput(path:code:)``.
  func forEachLine(_ visit: (Line) throws(BatchFailure) -> Void) throws(BatchFailure) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 262_144, alignment: 16)
    defer { buffer.deallocate() }
    var offset = 0
    var lineStart = 0
    var line = LineScan()
    while true {
      let count: Int
      do throws(SystemError) {
        count = try descriptor.read(into: buffer, at: offset)
      } catch {
        throw .cannotReadOutput(path: path, code: error.code)
      }
      guard count > 0 else { return }
      var rest = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      while let newline = rest.offsetOfNewline {
        line.consume(UnsafeRawBufferPointer(rebasing: rest[..<newline]))
        let end = offset + count - rest.count + newline + 1
        try visit(line.finish(range: lineStart..<end))
        lineStart = end
        line = LineScan()
        rest = UnsafeRawBufferPointer(rebasing: rest[(newline + 1)...])
      }
      line.consume(rest)
      offset += count
    }
  }
}

/// One line while it is read. The outcome follows the other members that are needed: the rest, above all the result,
/// is not examined but for its end, which a line that was cut lacks.
private struct LineScan {
  private var scanner = JSONMemberScanner()
  private var values: [String: [UInt8]] = [:]
  private var ended: Set<String> = []
  private var lastByte: UInt8?
  private static let wanted: Set<String> = ["algorithm", "input_sha256", "occurrence", "outcome"]
  private var isSeen: Bool {
    ended.contains("algorithm") && ended.contains("input_sha256") && ended.contains("outcome")
  }

  mutating func consume(_ bytes: UnsafeRawBufferPointer) {
    lastByte = bytes.last { $0 != UInt8(ascii: "\r") } ?? lastByte
    // In small pieces, so that the scan stops soon after the outcome.
    var start = 0
    while start < bytes.count, !isSeen, !scanner.hasFailed {
      let piece = UnsafeRawBufferPointer(rebasing: bytes[start...].prefix(256))
      var (values, ended) = (values, ended)
      scanner.consume(piece) { member in
        guard Self.wanted.contains(member.name) else { return }
        values[member.name, default: []].append(contentsOf: member.bytes.prefix(512))
        if member.ends { ended.insert(member.name) }
      }
      (self.values, self.ended) = (values, ended)
      start += piece.count
    }
  }

  func finish(range: Range<Int>) -> ResultReader.Line {
    guard !scanner.hasFailed, isSeen || scanner.isComplete, lastByte == UInt8(ascii: "}") else {
      return ResultReader.Line(range: range)
    }
    return ResultReader.Line(
      range: range, algorithm: string("algorithm"), digest: string("input_sha256").flatMap(SHA256.Digest.init),
      occurrence: values["occurrence"].flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 1,
      outcome: string("outcome").flatMap(Outcome.init))
  }

  private func string(_ name: String) -> String? { values[name].flatMap { JSONString.text($0) } }
}

extension SHA256.Digest {
  /// Takes 64 hexadecimal digits.
  init?(hexadecimal text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 64 else { return nil }
    var words = InlineArray<4, UInt64>(repeating: 0)
    for index in 0..<4 {
      guard let word = UInt64(String(decoding: digits[index * 16..<index * 16 + 16], as: UTF8.self), radix: 16) else {
        return nil
      }
      words[index] = word
    }
    self.init(words: words)
  }
}
