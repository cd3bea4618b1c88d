// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import RunModel

/// A request whose last attempt is over: the content of its result line. Its captured output goes back to the pool once
/// the line is written.
final class FinishedRequest {
  let index: Int
  let source: String
  let digest: SHA256.Digest
  let occurrence: Int
  /// Its place among all that are written by this batch, for `--keep-order`.
  let ordinal: Int
  var record: ExecutionRecord
  /// Nil if nothing ran.
  let capture: ChildCapture?

  init(request: Request, ordinal: Int, record: ExecutionRecord, capture: ChildCapture?) {
    index = request.index
    source = request.source
    digest = request.input.digest
    occurrence = request.occurrence
    self.ordinal = ordinal
    self.record = record
    self.capture = capture
  }
}
