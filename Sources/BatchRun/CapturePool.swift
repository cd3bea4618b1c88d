/// Captures that wait to be used again, and how much memory those of finished requests hold.
final class CapturePool {
  /// What a capture that went to disk counts for: it holds a descriptor, and those are scarcer than memory.
  private static let spilledWeight = SpillBuffer.inMemory
  /// More than so many are not kept.
  private static let mostKept = 64

  private let outputLimit: Int
  private let spillDirectory: String
  private var free: [ChildCapture] = []
  /// Bytes held by requests that are finished and not written.
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
  func giveBack(_ capture: ChildCapture?) {
    pendingBytes -= Self.weight(of: capture)
    guard let capture, free.count < Self.mostKept else { return }
    capture.reset()
    free.append(capture)
  }

  private static func weight(of capture: ChildCapture?) -> Int {
    guard let output = capture?.output else { return 0 }
    return output.isSpilled ? spilledWeight : output.memoryUsed
  }
}
