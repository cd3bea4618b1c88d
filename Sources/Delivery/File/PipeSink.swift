// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// The part of ``FileSink`` for named pipes, whose readers may be slow, and which can take no byte back.
extension FileSink {
  /// F_SETPIPE_SZ and F_GETPIPE_SZ of `linux/fcntl.h`, which Swift's Glibc module does not show.
  private static let (setPipeSize, pipeSize): (Int32, Int32) = (1031, 1032)

  /// Why only some of a group of payloads were appended.
  var slowReader: FileSinkError { .cannotWrite(path: path, errno: EAGAIN) }

  /// Writes each payload as one whole line, or not at all.
  ///
  /// - Returns: How many the pipe took.
  /// - Throws: ``FileSinkError`` if it took none.
  func append(
    _ payloads: [[UInt8]], toPipe pipe: Descriptor, until deadline: MonotonicInstant
  ) throws(FileSinkError) -> Int {
    for (count, payload) in payloads.enumerated() {
      let line = payload + [UInt8(ascii: "\n")]
      do throws(FileSinkError) {
        // The kernel writes up to PIPE_BUF bytes as a whole or refuses them. Of more it may take a part.
        if line.count > PIPE_BUF { try awaitEmpty(pipe, holding: line.count, until: deadline) }
        var written = 0
        try write(line, to: pipe, counting: &written, until: deadline)
      } catch {
        guard count > 0 else { throw error }
        return count
      }
    }
    return payloads.count
  }

  /// Waits until all of a long line has room in the pipe. The kernel counts pages, not bytes, so that is known only of
  /// an empty pipe.
  private func awaitEmpty(
    _ pipe: Descriptor, holding count: Int, until deadline: MonotonicInstant
  ) throws(FileSinkError) {
    // Beyond the user's limit this fails: then the line is written in parts, as the reader makes room.
    pipe.withNumber { number in
      if fcntl(number, Self.pipeSize) < count { _ = fcntl(number, Self.setPipeSize, Int32(clamping: count)) }
    }
    while pipe.unreadBytes > 0 {
      guard MonotonicInstant.now() < deadline else { throw slowReader }
      // Nothing but the end of the last reader is reported before the time is over: the write then fails with EPIPE.
      guard !pipe.isReady(for: [], milliseconds: 2) else { return }
    }
  }
}
