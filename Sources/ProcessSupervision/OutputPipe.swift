/// A descriptor of the child that the supervisor reads all the time, so that the child never blocks on it.
public struct OutputPipe {
  /// 1, 2 or 3 in the child.
  let descriptor: Int32
  let receiver: any OutputReceiver

  /// A pipe from `descriptor` (1, 2 or 3) of the child to `receiver`.
  public init(descriptor: Int32, to receiver: any OutputReceiver) {
    self.descriptor = descriptor
    self.receiver = receiver
  }
}

/// Takes the output of a child.
public protocol OutputReceiver: AnyObject {
  /// Called on the supervisor's thread with each piece that the child wrote to `descriptor`. The bytes are lent for the
  /// call.
  func receive(_ bytes: UnsafeRawBufferPointer, from descriptor: Int32)
}
