// SPDX-License-Identifier: Apache-2.0
internal import BatchRun
internal import Execution
internal import ProcessSupervision
internal import RequestDispatch

/// The output of an execution: its result from stdout, of stderr the end. Of a result that no topic takes only its size
/// and hash.
final class ResultCapture: JobOutput {
  let limit: Int
  private(set) var bytes: [UInt8] = []
  private(set) var count = 0
  private(set) var diagnostics = StreamTail()
  private var hash: SHA256?
  /// Called before each attempt.
  var willStart: () -> Void = {}

  /// Keeps at most `limit` bytes.
  init(limit: Int) { self.limit = limit }

  let isLost = false

  func reset() {
    (bytes, count, hash) = ([], 0, nil)
    diagnostics.reset()
    willStart()
  }

  func receive(_ piece: UnsafeRawBufferPointer, from descriptor: Int32) {
    guard descriptor == 1 else { return diagnostics.receive(piece) }
    count += piece.count
    if hash == nil, count > limit {
      var begun = SHA256()
      bytes.withUnsafeBytes { begun.consume($0) }
      hash = begun
      bytes = []
    }
    if hash == nil { bytes.append(contentsOf: piece) } else { hash?.consume(piece) }
  }

  /// Whether the result was larger than the limit.
  var isCut: Bool { hash != nil }

  /// The hash of the whole result, in hexadecimal.
  var sha256: String {
    if let hash { return hash.finish().hexadecimal }
    return bytes.withUnsafeBytes { SHA256.digest(of: $0).hexadecimal }
  }
}
