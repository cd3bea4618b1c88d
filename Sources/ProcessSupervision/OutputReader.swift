// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// The supervisor's end of an ``OutputPipe``. Belongs to its ``Child``.
@safe
final class OutputReader: EventHandler {
  /// Pieces read in one turn, so that a child that floods its pipe does not starve the others.
  private static let piecesPerTurn = 16
  /// A pipe holds 1 MiB at most: this many pieces are all that an ended child can have left in it. A descendant that
  /// continues to write does not keep the loop here.
  private static let mostLeftPieces = 64

  private let descriptor: Descriptor
  private let pipe: OutputPipe
  private let buffer: UnsafeMutableRawBufferPointer
  private var registration: Registration?

  /// - Parameter buffer: shared with other readers; outlives this one.
  init(
    _ descriptor: Descriptor, of pipe: OutputPipe, on loop: EventLoop, buffer: UnsafeMutableRawBufferPointer
  ) throws(SystemError) {
    self.descriptor = descriptor
    self.pipe = pipe
    unsafe self.buffer = buffer
    registration = try loop.register(descriptor, .read, self)
  }

  var number: Int32 { pipe.descriptor }

  func readNow() { drain(Self.piecesPerTurn) }

  func ready(_ registration: Registration, for events: Interest) { drain(Self.piecesPerTurn) }

  /// Reads the bytes that an ended child left, and closes the pipe.
  func finish() {
    drain(Self.mostLeftPieces)
    close()
  }

  private func drain(_ limit: Int) {
    guard registration != nil else { return }
    for _ in 0..<limit {
      switch unsafe descriptor.read(into: buffer) {
      case .bytes(let count):
        unsafe pipe.receiver.receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]), from: pipe.descriptor)
        // A short read has emptied the pipe; what comes next is reported by the next turn.
        if unsafe count < buffer.count { return }
      case .nothingNow: return
      case .endOfFile, .failed:
        close()
        return pipe.receiver.reachedEnd(of: pipe.descriptor)
      }
    }
  }

  private func close() {
    registration?.cancel()
    registration = nil
    descriptor.close()
  }
}
