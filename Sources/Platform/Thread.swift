// SPDX-License-Identifier: Apache-2.0
internal import CPlatform
internal import Glibc

/// A thread that takes no signals: those are for the thread that supervises children. It computes one value.
///
/// Joined at most once. A thread whose last reference goes before that is detached.
public final class Thread<Value> {
  private let handle: pthread_t
  private let work: Work<Value>
  private var isJoinable = true

  /// Runs `body` on a new thread.
  ///
  /// - Throws: EAGAIN if the system has no thread left.
  public static func start(_ body: sending @escaping () -> sending Value) throws(SystemError) -> Thread {
    let work = Work(body)
    let context = unsafe Unmanaged.passRetained(work as AnyWork)
    var handle = pthread_t()
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    // A new thread inherits the mask, so there is no moment in which it could take a signal.
    unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    let code = unsafe pthread_create(&handle, nil, runWork, context.toOpaque())
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    guard code == 0 else {
      unsafe context.release()
      throw SystemError(code)
    }
    return Thread(handle: handle, work: work)
  }

  /// From now on the calling thread runs when others leave time, until its end. It keeps a small share of a busy processor.
  public static func yieldToOthers() { yield_to_others() }

  private init(handle: pthread_t, work: Work<Value>) {
    self.handle = handle
    self.work = work
  }

  deinit { if isJoinable { pthread_detach(handle) } }

  /// Waits for the end of `body` and returns its value.
  public func join() -> sending Value {
    precondition(isJoinable, "a thread is joined once")
    pthread_join(handle, nil)
    isJoinable = false
    return work.takeValue()
  }

  /// Lets the calling thread sleep.
  public static func pause(_ span: Duration) where Value == Void {
    var time = timespec(tv_sec: Int(span.components.seconds), tv_nsec: Int(span.components.attoseconds / 1_000_000_000))
    unsafe nanosleep(&time, nil)
  }

  /// Waits until `deadline` at most; nil if `body` still runs then.
  public func join(until deadline: MonotonicInstant) -> sending Value? {
    guard isJoinable, join_thread_until(handle, deadline.nanoseconds) == 0 else { return nil }
    isJoinable = false
    return work.takeValue()
  }
}

/// Work on its way to a thread. The base class exists for the C function: that cannot be generic.
private class AnyWork {
  func run() {}
}

/// Only one thread touches it at a time: the new one until its end, then the one that joins it.
private final class Work<Value>: AnyWork {
  private var body: (() -> Value)?
  private var value: Value?

  init(_ body: @escaping () -> Value) { self.body = body }

  override func run() {
    value = body?()
    // The captures go with the thread, not with its owner.
    body = nil
  }

  /// The value, once the thread that made it was joined.
  func takeValue() -> sending Value {
    guard let made = value.take() else { preconditionFailure("a thread's value is taken once") }
    nonisolated(unsafe) let value = made
    return unsafe value
  }
}

private func runWork(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let context = unsafe context { unsafe Unmanaged<AnyWork>.fromOpaque(context).takeRetainedValue().run() }
  return nil
}
