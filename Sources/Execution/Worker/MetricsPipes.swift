// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Makes the metrics pipes of requests. A pipe whose end was read has no writer left in any process: a later request gets
/// it with a new writing end, which costs a third less than a new pipe.
final class MetricsPipes {
  /// Nil without /proc: then each request has a new pipe.
  private let folder = try? Descriptor.reading("/proc/self/fd")
  private let most: Int
  private var unused: [Descriptor] = []

  /// - Parameter most: pipes that are kept for later requests.
  init(most: Int) { self.most = most }

  /// A pipe that no other process holds. Reading from `reader` never waits.
  ///
  /// - Throws: the errno of pipe2(2).
  func take() throws(SystemError) -> (reader: Descriptor, writer: Descriptor) {
    if let folder, let reader = unused.popLast() {
      if let writer = try? reader.newWriter(in: folder) { return (reader, writer) }
      reader.close()
    }
    return try Descriptor.pipe()
  }

  /// `reader` is at its end.
  func giveBack(_ reader: Descriptor) {
    if unused.count < most { unused.append(reader) } else { reader.close() }
  }
}
