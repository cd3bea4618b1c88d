// SPDX-License-Identifier: Apache-2.0
/// Puts results back into the order of their requests. Owns the file that early ones wait in.
///
/// An early result waits on disk, as a complete line, so that one slow request costs no memory however many overtake
/// it. The file goes whenever no result waits.
final class ReorderBuffer {
  /// Requests that may be started ahead of the oldest that is not finished.
  static let window = 16_384

  private let output: ResultOutput
  private let release: (FinishedRequest) -> Void
  private let spillDirectory: String
  private var next = 0
  private var waiting: [Int: Range<Int>] = [:]
  private var file: AnonymousFile?

  init(output: ResultOutput, spillDirectory: String, release: @escaping (FinishedRequest) -> Void) {
    self.output = output
    self.spillDirectory = spillDirectory
    self.release = release
  }

  /// Whether the request with this ordinal may be started.
  func admits(_ ordinal: Int) -> Bool { ordinal < next + Self.window }

  /// Takes a finished request, and passes on all lines that are next in order.
  ///
  /// - Throws: ``BatchFailure`` if a line cannot be kept on disk.
  func take(_ finished: FinishedRequest) throws(BatchFailure) {
    guard finished.ordinal == next else { return try hold(finished) }
    output.append(finished)
    passTurn()
  }

  /// Skips the request with this ordinal: it has no line.
  func leaveOut(_ ordinal: Int) {
    if ordinal == next { passTurn() } else { waiting[ordinal] = 0..<0 }
  }

  private func passTurn() {
    next += 1
    while let range = waiting.removeValue(forKey: next) {
      if let file, !range.isEmpty { output.append(file, range) }
      next += 1
    }
    // The output still reads from this file; it goes with its last line.
    if waiting.isEmpty { self.file = nil }
  }

  private func hold(_ finished: FinishedRequest) throws(BatchFailure) {
    let held: AnonymousFile
    if let file {
      held = file
    } else {
      held = try AnonymousFile(in: spillDirectory)
      file = held
    }
    let start = held.size
    var line = ResultLine(of: finished)
    var buffer: [UInt8] = []
    var isComplete = false
    while !isComplete {
      isComplete = try line.append(to: &buffer)
      try held.append(buffer)
      buffer.removeAll(keepingCapacity: true)
    }
    waiting[finished.ordinal] = start..<held.size
    release(finished)
  }
}
