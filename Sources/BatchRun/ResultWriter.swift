// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Turns finished requests into lines of the results, in the order of the list if the user asked for it. Owns the
/// captures of all requests: one is free again when its line is written.
final class ResultWriter {
  /// Results that may wait for their payloads or their reader.
  private static let pendingLimit = 256
  /// Bytes of captured output that may wait with them.
  private static let pendingBytesLimit = 1 << 19
  /// Results are written together that come within this time, with their lines of the history: each write costs calls of
  /// the kernel, and most requests of a worker take less.
  private static let gathering = Duration.milliseconds(1)
  private static let mostGathered = 64

  let captures: CapturePool
  private let output: ResultOutput
  private let order: ReorderBuffer?
  private let gate: ReadinessGate
  /// When the next results are written, at the latest.
  private var nextGroup = MonotonicInstant.now()
  private var hasGathered = false

  init(_ file: OutputFile, _ settings: BatchSettings, on loop: EventLoop) {
    let captures = CapturePool(outputLimit: settings.outputLimit, spillDirectory: settings.spillDirectory)
    self.captures = captures
    output = ResultOutput(file: file) { captures.release($0.capture) }
    order =
      settings.keepsOrder
      ? ReorderBuffer(output: output, spillDirectory: settings.spillDirectory) { captures.release($0.capture) } : nil
    gate = ReadinessGate(for: .write, on: loop)
  }

  /// Whether everything is written.
  var isIdle: Bool { output.isIdle }
  /// Whether results can no longer be written.
  var isClosed: Bool { output.isClosed }

  /// Whether the request with this ordinal may start.
  ///
  /// - Parameter pending: finished requests that wait for their payloads.
  func hasRoom(for ordinal: Int, pending: Int) -> Bool {
    pending + output.backlog < Self.pendingLimit && captures.pendingBytes < Self.pendingBytesLimit
      && order?.admits(ordinal) != false
  }

  /// Takes a request whose line can be written.
  ///
  /// - Throws: ``BatchFailure`` if an early line cannot be kept on disk.
  func append(_ finished: FinishedRequest) throws(BatchFailure) {
    hasGathered = true
    if let order { try order.take(finished) } else { output.append(finished) }
  }

  /// When the group of results must be written; nil if there is none.
  var groupDeadline: MonotonicInstant? { hasGathered ? nextGroup : nil }

  /// Whether finished requests wait for others to be written with them.
  var isGathering: Bool {
    hasGathered && output.backlog < Self.mostGathered && captures.pendingBytes < Self.pendingBytesLimit
      && MonotonicInstant.now() < nextGroup
  }

  /// The group is written now.
  func endGroup() {
    if hasGathered { nextGroup = .now() + Self.gathering }
    hasGathered = false
  }

  /// The request with this ordinal has no line.
  func leaveOut(_ ordinal: Int) { order?.leaveOut(ordinal) }

  /// Does a bounded piece of the work. If the reader is slow, a turn of the loop ends when it has made room.
  ///
  /// - Parameter waits: whether a slow reader is waited for.
  /// - Returns: Whether there is more to do now.
  /// - Throws: ``BatchFailure`` if results can no longer be written.
  func pump(waits: Bool) throws(BatchFailure) -> Bool {
    switch try output.pump() {
    case .idle: return false
    case .more: return true
    case .blocked(let descriptor):
      guard waits else { throw .outputReaderGone }
      gate.wait(for: descriptor)
      return false
    }
  }

  /// Drops everything that is not written.
  func close() { output.close() }

  /// Checks that everything that was written is stored and in its place.
  ///
  /// - Throws: ``BatchFailure``.
  func verify() throws(BatchFailure) { try output.verify() }
}
