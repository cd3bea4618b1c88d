// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import JSONText
internal import RunModel

/// Writes the result line of one finished request piece by piece, so that a result of any size needs one buffer.
///
/// `result` is the last member: a reader has seen everything else before the largest one.
struct ResultLine {
  private enum Phase { case head, body(offset: Int), done }

  private let finished: FinishedRequest
  /// The child's output; nil if the last attempt had no child, which differs from an empty output.
  private let capture: ChildCapture?
  private var body: ResultBody
  private var phase = Phase.head

  init(of finished: FinishedRequest) {
    self.finished = finished
    capture = finished.record.outcome == .failedToStart ? nil : finished.capture
    body = ResultBody(form: capture?.output.form ?? .json)
  }

  /// Appends the next piece to `buffer`; at most about 300 KiB, if every byte of the output needs an escape.
  ///
  /// - Returns: Whether the line is complete.
  /// - Throws: ``BatchFailure/cannotSpill(code:)`` if captured output cannot be read back.
  mutating func append(to buffer: inout [UInt8]) throws(BatchFailure) -> Bool {
    switch phase {
    case .head:
      appendHead(to: &buffer)
      guard capture != nil else {
        buffer.append(contentsOf: "null}\n".utf8)
        phase = .done
        return true
      }
      buffer.append(contentsOf: body.quote)
      phase = .body(offset: 0)
      return false
    case .body(let offset):
      guard let output = capture?.output else { return true }
      let wanted = min(ResultBody.chunk, output.usableSize - offset)
      let count = wanted == 0 ? 0 : try appendBody(of: output, at: offset, wanted: wanted, to: &buffer)
      if offset + count < output.usableSize {
        phase = .body(offset: offset + count)
        return false
      }
      buffer.append(contentsOf: body.quote)
      buffer.append(contentsOf: "}\n".utf8)
      phase = .done
      return true
    case .done: return true
    }
  }

  private func appendHead(to buffer: inout [UInt8]) {
    var json = JSONWriter()
    json.beginObject()
    json.member("index", integer: finished.index)
    json.member("source", finished.source)
    json.member("input_sha256", finished.digest.hexadecimal)
    if finished.occurrence > 1 { json.member("occurrence", integer: finished.occurrence) }
    ExecutionRecordJSON.writeMembers(of: finished.record, includesPayload: false, to: &json)
    // Of a worker that was never ready it has what the worker printed.
    json.member("stderr_tail", finished.capture?.tail.text ?? "")
    if capture?.output.isTruncated == true {
      json.name("result_truncated")
      json.boolean(true)
    }
    if capture?.output.form == .base64 { json.member("result_encoding", "base64") }
    json.name("result")
    buffer.append(contentsOf: json.bytes)
  }

  private mutating func appendBody(
    of output: CapturedOutput, at offset: Int, wanted: Int, to buffer: inout [UInt8]
  ) throws(BatchFailure) -> Int {
    try withUnsafeTemporaryAllocation(byteCount: wanted, alignment: 16) { (piece) throws(BatchFailure) in
      var filled = 0
      // Whole chunks only: base64 may be padded only at its end.
      while filled < wanted {
        let read = try output.read(into: UnsafeMutableRawBufferPointer(rebasing: piece[filled...]), at: offset + filled)
        guard read > 0 else { throw .cannotSpill(code: 5) }
        filled += read
      }
      body.encode(UnsafeRawBufferPointer(piece), to: &buffer)
      return filled
    }
  }
}
