// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import JSONText
internal import RunModel

/// Reads one line of `{"request_id"?: string, "input": any JSON}`; the text of `input`, as written, is the request's
/// input, and may be too large for memory.
struct EnvelopeReader {
  private let spillDirectory: String
  private var scanner = JSONMemberScanner()
  private var input: InputCollector
  private var line = SHA256()
  private var firstBytes: [UInt8] = []
  private var rawID: [UInt8] = []
  private var hasInput = false
  private var unknown: String?

  init(spillDirectory: String) {
    self.spillDirectory = spillDirectory
    input = InputCollector(spillDirectory: spillDirectory)
  }

  /// Takes the next bytes of the line.
  mutating func append(_ bytes: UnsafeRawBufferPointer) throws(BatchFailure) {
    line.consume(bytes)
    if firstBytes.count < 3 { firstBytes += bytes.prefix(3 - firstBytes.count) }
    var failure: BatchFailure?
    // Taken out and put back: the closure changes the rest of this value in the meantime.
    var scanner = scanner
    scanner.consume(bytes) { piece in
      do throws(BatchFailure) { try take(piece) } catch { failure = failure ?? error }
    }
    self.scanner = scanner
    if let failure { throw failure }
  }

  private mutating func take(_ piece: JSONMemberScanner.Piece) throws(BatchFailure) {
    switch piece.name {
    case "input":
      // The same member again replaces the first, as in metric lines.
      if piece.begins { input = InputCollector(spillDirectory: spillDirectory) }
      hasInput = true
      try input.append(piece.bytes)
    case "request_id":
      if piece.begins { rawID = [] }
      // Room for every escape of the longest identifier, and one more to detect a longer one.
      rawID.append(contentsOf: piece.bytes.prefix(RequestID.maximumBytes * 6 + 3 - rawID.count))
    default: unknown = piece.name
    }
  }

  /// Ends the line.
  ///
  /// - Returns: The identifier, the input, and why the line cannot be run. If it cannot, the input is empty and its
  ///   digest is that of the whole line, so that a corrected line is another request.
  mutating func finish() -> (requestID: String?, input: HashedInput, problem: String?) {
    defer { self = EnvelopeReader(spillDirectory: spillDirectory) }
    var requestID: String?
    var problem: String?
    if firstBytes == [0xef, 0xbb, 0xbf] {
      problem = "the envelope begins with a byte order mark; remove its first three bytes (EF BB BF)"
    } else if firstBytes.starts(with: [0xff, 0xfe]) || firstBytes.starts(with: [0xfe, 0xff]) {
      problem = "the envelope is UTF-16, by its byte order mark; convert the file to UTF-8"
    } else if !scanner.isComplete {
      problem = "the envelope is not a JSON object (byte \(scanner.offset + 1))"
    } else if let unknown {
      problem = "the envelope has a member \"\(TerminalText.escaped(unknown))\"; only request_id and input are known"
    } else if !hasInput {
      problem = "the envelope has no member input"
    } else if !rawID.isEmpty {
      if let text = JSONString.text(rawID) {
        problem = RequestID.problem(with: text).map { "the envelope's request_id cannot be used: \($0)" }
        requestID = problem == nil ? text : nil
      } else if rawID.first == UInt8(ascii: "\"") {
        problem = "the envelope's request_id is longer than \(RequestID.maximumBytes) bytes"
      } else {
        problem = "the envelope's request_id is not a string"
      }
    }
    guard problem == nil else {
      return (nil, HashedInput(bytes: .bytes([]), digest: line.finish(), size: 0), problem)
    }
    return (requestID, input.finish(), nil)
  }
}
