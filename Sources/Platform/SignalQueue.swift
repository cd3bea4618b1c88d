// SPDX-License-Identifier: Apache-2.0
internal import CPlatform

/// A signal that this process received.
public struct ReceivedSignal: Sendable, Equatable {
  /// Its number.
  public let number: Int32
  /// Whether a key of the terminal (or a change of its size) caused it, and not another process.
  public let isFromTerminal: Bool
}

/// The signals of this process, read from a descriptor instead of in handlers: INT, TERM, HUP, QUIT, USR1, USR2, WINCH,
/// CHLD and CONT, less those that were ignored when the program started. One a process.
public final class SignalQueue {
  /// Readable while signals are pending.
  public let descriptor: Descriptor

  /// Blocks the signals in this thread and in those that it starts: create it on the main thread, before any other
  /// thread exists.
  ///
  /// - Throws: the system's error if it has no descriptor left.
  public init() throws(SystemError) {
    var opened: CInt = -1
    try SystemError.check(unsafe open_signal_queue(&opened))
    descriptor = Descriptor(owning: opened)
  }

  /// Takes the next pending signal; nil if there is none.
  public func next() -> ReceivedSignal? {
    let signal = descriptor.withNumber { next_signal($0) }
    return signal.number == 0 ? nil : ReceivedSignal(number: signal.number, isFromTerminal: signal.from_kernel)
  }

  /// Adds TSTP, TTIN and TTOU: they are reported instead of stopping this process.
  public func watchStopRequests() { descriptor.withNumber { watch_stop_requests($0) } }

  /// Removes TSTP, TTIN and TTOU: they stop this process as usual.
  public func ignoreStopRequests() { descriptor.withNumber { ignore_stop_requests($0) } }
}
