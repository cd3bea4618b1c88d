// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import ProcessSupervision
internal import RequestDispatch

/// The kept part of one child's stdout and stderr. Used again for later children.
final class ChildCapture: JobOutput {
  let output: CapturedOutput
  private(set) var tail = StreamTail()

  init(outputLimit: Int, spillDirectory: String) {
    output = CapturedOutput(limit: outputLimit, spillDirectory: spillDirectory)
  }

  /// Takes bytes of stdout (1) or stderr (2).
  func receive(_ bytes: UnsafeRawBufferPointer, from descriptor: Int32) {
    if descriptor == 1 { output.receive(bytes) } else { tail.receive(bytes) }
  }

  /// Whether the disk had no room for it.
  var isLost: Bool { output.failure != nil }

  /// Forgets all, for the next child.
  func reset() {
    output.reset()
    tail.reset()
  }
}
