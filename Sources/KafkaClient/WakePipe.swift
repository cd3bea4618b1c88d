internal import CRDKafka
internal import Glibc

/// A channel that one thread wakes another by. The only file that touches its descriptors, but for librdkafka, which
/// writes into ``writer``. Any number of wakes before a clear count as one.
public final class WakePipe: Sendable {
  /// Polls readable after a wake.
  public let reader: Int32
  /// Never blocks: a full pipe is awake enough.
  public let writer: Int32

  /// A pipe that was not woken.
  public init() {
    var ends: [Int32] = [-1, -1]
    // Where no descriptor is left, both are -1: waiting then only lasts its time, and nothing else breaks.
    // A pair of sockets, because its flags are set as it is made: no child can inherit it.
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    _ = socketpair(AF_UNIX, kind, 0, &ends)
    reader = ends[0]
    writer = ends[1]
  }

  deinit {
    close(reader)
    close(writer)
  }

  /// Makes the reader readable.
  public func wake() {
    var byte: UInt8 = 1
    _ = write(writer, &byte, 1)
  }

  /// Waits for a wake, at most so long.
  public func wait(milliseconds: Int32) {
    var watched = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
    _ = poll(&watched, 1, milliseconds)
  }

  /// Forgets the wakes so far. Whoever clears looks at what they were about afterwards, never before.
  public func clear() {
    var bytes = [UInt8](repeating: 0, count: 512)
    while read(reader, &bytes, bytes.count) == bytes.count {}
  }
}
