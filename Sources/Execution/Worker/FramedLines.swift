// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import MetricsIntake

/// Lines of a worker's permanent metrics pipe: `0x1E NUMBER SP line`. Those of the running request are credited to it,
/// all others are late.
struct FramedLines {
  private static let mark: UInt8 = 0x1e
  /// Longest frame of a line, in bytes.
  private static let mostFrameBytes = 20
  private var pending: [UInt8] = []
  /// Whether the rest of a line that is too long is skipped.
  private var isSkipping = false

  /// Takes the next bytes; lines of request `running`, with their line ends, go to `credit`.
  ///
  /// - Returns: The number of late lines.
  mutating func consume(
    _ bytes: UnsafeRawBufferPointer, running: Int?, credit: (UnsafeRawBufferPointer) -> Void
  ) -> Int {
    var late = 0
    var rest = bytes
    while let start = rest.baseAddress, !rest.isEmpty {
      let found = memchr(start, 0x0a, rest.count).map { UnsafeRawPointer($0) - start + 1 }
      let piece = UnsafeRawBufferPointer(rebasing: rest[..<(found ?? rest.count)])
      rest = UnsafeRawBufferPointer(rebasing: rest[piece.count...])
      if !isSkipping { pending.append(contentsOf: piece) }
      // The intake rejects a line that is too long by its beginning.
      let isTooLong = pending.count > MetricRules.maximumLineBytes + Self.mostFrameBytes + 1
      if isTooLong { pending[pending.count - 1] = 0x0a }
      if isTooLong || found != nil && !isSkipping {
        late += pending.withUnsafeBytes { Self.route($0, running, credit) } ? 0 : 1
        pending.removeAll(keepingCapacity: true)
      }
      isSkipping = found == nil && (isSkipping || isTooLong)
    }
    return late
  }

  /// Whether the line was credited.
  private static func route(
    _ line: UnsafeRawBufferPointer, _ running: Int?, _ credit: (UnsafeRawBufferPointer) -> Void
  ) -> Bool {
    guard let running, line.first == mark, let space = line.prefix(mostFrameBytes).firstIndex(of: 0x20),
      space > 1, line[1..<space].elementsEqual("\(running)".utf8)
    else { return false }
    credit(UnsafeRawBufferPointer(rebasing: line[(space + 1)...]))
    return true
  }
}
