// SPDX-License-Identifier: Apache-2.0
public import Platform
internal import Synchronization

/// Shows other threads since when one is in a call of the library: the library was seen to stay in a call for ever, whatever
/// the time limit of the call.
public final class CallWatch: Sendable {
  private let began = Mutex<MonotonicInstant?>(nil)

  /// Nothing has been called.
  public init() {}

  /// When the present call began; nil outside a call.
  public var since: MonotonicInstant? { began.withLock(\.self) }

  func during(_ call: () -> Void) {
    began.withLock { $0 = .now() }
    call()
    began.withLock { $0 = nil }
  }
}
