// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// The controlling terminal of this process, and which process group is in its foreground: the group that its keys
/// signal, and the only one that may read from it.
final class Terminal {
  private let descriptor: Descriptor
  private let ownGroup = getpgrp()

  /// Nil without a controlling terminal.
  init?() {
    guard let descriptor = try? Descriptor.open("/dev/tty", flags: O_RDWR | O_NOCTTY | O_NONBLOCK, mode: 0) else {
      return nil
    }
    self.descriptor = descriptor
  }

  /// Whether the supervisor's own group is in the foreground.
  var isOurs: Bool { isHeld(by: ownGroup) }

  /// Whether `group` is in the foreground.
  func isHeld(by group: Int32) -> Bool { descriptor.withNumber { tcgetpgrp($0) } == group }

  /// Puts `group` into the foreground.
  func lend(to group: Int32) { _ = descriptor.withNumber { tcsetpgrp($0, group) } }

  /// Puts the supervisor's own group into the foreground, if `group` or a group that no longer exists is there: a shell
  /// may have moved on in the meantime. SIGTTOU is blocked in the supervisor, or this call would stop it.
  func reclaim(from group: Int32) {
    let foreground = descriptor.withNumber { tcgetpgrp($0) }
    guard foreground == group || foreground > 0 && kill(-foreground, 0) != 0 && errno == ESRCH else { return }
    lend(to: ownGroup)
  }
}
