// SPDX-License-Identifier: Apache-2.0
/// A descriptor of the child that the supervisor reads all the time, so that the child never blocks on it.
public struct OutputPipe {
  /// 1 to 6 in the child.
  let descriptor: Int32
  let receiver: any OutputReceiver
  let size: Int32?

  /// A pipe from `descriptor` (1 to 6) of the child to `receiver`; of `size` bytes if the system allows it.
  public init(descriptor: Int32, to receiver: any OutputReceiver, size: Int32? = nil) {
    self.size = size
    self.descriptor = descriptor
    self.receiver = receiver
  }
}

/// Takes the output of a child.
public protocol OutputReceiver: AnyObject {
  /// Called on the supervisor's thread with each piece that the child wrote to `descriptor`. The bytes are lent for the
  /// call.
  func receive(_ bytes: UnsafeRawBufferPointer, from descriptor: Int32)
  /// Called when no process holds `descriptor` any more.
  func reachedEnd(of descriptor: Int32)
}

extension OutputReceiver {
  /// Ignores the end.
  public func reachedEnd(of descriptor: Int32) {}
}

/// Watches a child that lives longer than one execution.
public protocol ChildWatcher: AnyObject {
  /// Called after a turn: the child has ended, its group is gone, and its output is read to the end.
  func ended(_ child: Child, _ exit: ChildExit)
  /// Called inside a turn before a process is reaped that is known neither as a child nor as adopted.
  func orphanEnded()
  /// The child and the supervisor were stopped together for this time.
  func paused(for pause: Duration)
}

extension ChildWatcher {
  /// Nothing to do.
  public func orphanEnded() {}
  /// Nothing to do.
  public func paused(for pause: Duration) {}
}
