// SPDX-License-Identifier: Apache-2.0
internal import CPlatform
internal import Glibc

/// Operations for a worker's pipes and its socket.
extension Descriptor {
  /// Two connected sockets that carry messages.
  ///
  /// - Throws: the errno of socketpair(2).
  public static func messageSockets() throws(SystemError) -> (Descriptor, Descriptor) {
    var one: CInt = -1
    var other: CInt = -1
    try SystemError.check(unsafe open_message_sockets(&one, &other))
    return (Descriptor(owning: one), Descriptor(owning: other))
  }

  /// Sends a copy of `descriptor` in a message of one byte. Never waits.
  ///
  /// - Throws: EAGAIN if the socket is full, EPIPE without a receiver, or another errno of sendmsg(2).
  public func send(_ descriptor: Descriptor) throws(SystemError) {
    try SystemError.check(
      withNumber { socket in descriptor.withNumber { number in send_descriptor(socket, number) } })
  }

  /// Opens another writing end of the pipe that this descriptor reads. `folder` is /proc/self/fd.
  ///
  /// - Throws: the errno of openat(2).
  public func newWriter(in folder: Descriptor) throws(SystemError) -> Descriptor {
    var opened: CInt = -1
    try SystemError.check(
      folder.withNumber { folder in withNumber { reader in unsafe open_writer(folder, reader, &opened) } })
    return Descriptor(owning: opened)
  }

  /// From now on no read or write of this open file waits.
  public func setNonBlocking() { _ = withNumber { set_blocking($0, false) } }

  /// From now on a read or write of this open file waits.
  public func setBlocking() { _ = withNumber { set_blocking($0, true) } }

  /// Enlarges a pipe to `size` bytes if the system allows it.
  public func enlargePipe(to size: Int32) { _ = withNumber { enlarge_pipe($0, size) } }

  /// Bytes in a pipe that its reader has not taken, or left there when it ended.
  public var unreadBytes: Int { Int(withNumber { unread_bytes($0) }) }

  /// Writes once. For a pipe whose reader may have gone: the caller has called ``WriteSignals/ignoreOnThisThread()``.
  public func writeOnce(_ bytes: UnsafeRawBufferPointer) -> WriteResult {
    while true {
      let count = withNumber { unsafe write($0, bytes.baseAddress, bytes.count) }
      if count >= 0 { return .bytes(count) }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .noRoom
      default: return .failed(SystemError(errno))
      }
    }
  }

  /// The result of one write.
  public enum WriteResult: Equatable {
    /// The number of bytes that were written.
    case bytes(Int)
    /// A non-blocking descriptor takes none now.
    case noRoom
    /// The errno of write(2).
    case failed(SystemError)
  }
}
