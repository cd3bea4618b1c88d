// SPDX-License-Identifier: Apache-2.0
internal import CPlatform
internal import Glibc

/// The signals that a failed write sends to its thread: SIGPIPE if the reader has gone, SIGXFSZ at the file size limit.
/// By default each ends the process.
public enum WriteSignals {
  /// Blocks SIGPIPE on this thread from now on: a write to a pipe without a reader only fails. Children start with the
  /// mask that algo-run was started with.
  public static func ignoreOnThisThread() {
    var pipe = sigset_t()
    unsafe sigemptyset(&pipe)
    unsafe sigaddset(&pipe, SIGPIPE)
    unsafe pthread_sigmask(SIG_BLOCK, &pipe, nil)
  }

  /// Blocks SIGXFSZ on this thread and on those that it starts: a write beyond the limit only fails, with EFBIG. To be
  /// called first of all by a program that has files of its own. Children start with the mask that algo-run was started
  /// with.
  public static func blockSizeLimit() { block_size_limit_signal() }

  /// Runs one write call so that it only fails, with `errno` EPIPE or EFBIG. Other threads and every child keep their
  /// signals as they are.
  public static func blocked(_ write: () -> Int) -> Int {
    var deadly = sigset_t()
    var before = sigset_t()
    unsafe sigemptyset(&deadly)
    unsafe sigaddset(&deadly, SIGPIPE)
    unsafe sigaddset(&deadly, SIGXFSZ)
    unsafe pthread_sigmask(SIG_BLOCK, &deadly, &before)
    let count = write()
    let reason = errno
    if count < 0, reason == EPIPE || reason == EFBIG {
      // Taken off here, or it would be delivered as soon as it is no longer blocked.
      var atOnce = timespec(tv_sec: 0, tv_nsec: 0)
      _ = unsafe sigtimedwait(&deadly, nil, &atOnce)
    }
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    errno = reason
    return count
  }
}
