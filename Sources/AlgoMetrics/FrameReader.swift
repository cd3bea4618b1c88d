// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Reads frames from a pipe.
struct FrameReader {
  let descriptor: CInt
  private var held: ArraySlice<UInt8> = []

  init(descriptor: CInt) {
    self.descriptor = descriptor
  }

  /// Nil at the end of the stream.
  mutating func next() throws(WorkerError) -> WorkerFrame? {
    var end = held.firstIndex(of: UInt8(ascii: "\n"))
    while end == nil && held.count < WorkerFrame.headerLimit {
      guard readMore(1 << 16) else {
        if held.isEmpty { return nil }
        throw .truncatedFrame
      }
      end = held.firstIndex(of: UInt8(ascii: "\n"))
    }
    guard let end, end - held.startIndex < WorkerFrame.headerLimit else { throw .malformedFrame }
    var (frame, size) = try WorkerFrame.read(header: held[..<end])
    held = held[(end + 1)...]
    while held.count < size {
      guard readMore(min(size - held.count, 1 << 20)) else { throw .truncatedFrame }
    }
    frame.body = Array(held.prefix(size))
    held = held.dropFirst(size)
    return frame
  }

  /// False at the end of the stream.
  private mutating func readMore(_ count: Int) -> Bool {
    var read = 0
    let piece = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      repeat { read = Glibc.read(descriptor, buffer.baseAddress, count) } while read < 0 && errno == EINTR
      filled = max(read, 0)
    }
    if held.isEmpty { held = piece[...] } else { held += piece }
    return read > 0
  }
}
