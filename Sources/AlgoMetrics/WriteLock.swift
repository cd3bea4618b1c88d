// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Keeps the lines of threads apart. A mutex of C, because a forked child must be able to make it new: the thread that
/// held it does not exist there, and `Mutex` cannot be reset.
struct WriteLock: @unchecked Sendable {
  static let shared = WriteLock()

  /// Lives as long as the process, at one address, as a mutex must. Shared between threads, which is its purpose.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  private init() {
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
    pthread_atfork(nil, nil) { pthread_mutex_init(WriteLock.shared.mutex, nil) }
  }

  func withLock(_ body: () -> Void) {
    pthread_mutex_lock(mutex)
    body()
    pthread_mutex_unlock(mutex)
  }
}
