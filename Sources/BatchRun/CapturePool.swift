// SPDX-License-Identifier: Apache-2.0
/// Captures for further use, and the memory that captures of finished requests hold.
final class CapturePool {
  /// The weight of a capture on disk: it holds a descriptor, and those are scarcer than memory.
  private static let spilledWeight = SpillBuffer.inMemory
  /// Captures that are kept for further use.
  private static let limit = 64

  private let outputLimit: Int
  private let spillDirectory: String
  private var free: [ChildCapture] = []
  /// Bytes held by requests that are finished and whose results are not written.
  private(set) var pendingBytes = 0

  init(outputLimit: Int, spillDirectory: String) {
    self.outputLimit = outputLimit
    self.spillDirectory = spillDirectory
  }

  /// A capture for the next child.
  func take() -> ChildCapture {
    free.popLast() ?? ChildCapture(outputLimit: outputLimit, spillDirectory: spillDirectory)
  }

  /// A request is finished and its capture waits to be written.
  func finished(_ capture: ChildCapture?) { pendingBytes += Self.weight(of: capture) }

  /// The result is written.
  func release(_ capture: ChildCapture?) {
    pendingBytes -= Self.weight(of: capture)
    guard let capture, free.count < Self.limit else { return }
    capture.reset()
    free.append(capture)
  }

  private static func weight(of capture: ChildCapture?) -> Int {
    guard let output = capture?.output else { return 0 }
    return output.isSpilled ? spilledWeight : output.memoryUsed
  }
}
