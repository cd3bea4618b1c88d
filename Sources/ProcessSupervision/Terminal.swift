internal import Glibc
internal import Platform

/// The controlling terminal, where the supervisor holds its foreground: lent to the child's group, so that Ctrl-C,
/// Ctrl-Z and reads act on the child as if it had been started by the shell.
final class Terminal {
  private let descriptor: Descriptor
  private let ownGroup = getpgrp()

  /// Nil without a controlling terminal.
  init?() {
    guard let descriptor = try? Descriptor.open("/dev/tty", flags: O_RDWR | O_NOCTTY, mode: 0) else { return nil }
    self.descriptor = descriptor
  }

  /// Whether this process may hand the terminal on: its group is in the foreground.
  var isOurs: Bool { descriptor.withNumber { tcgetpgrp($0) } == ownGroup }

  /// Lends the number to a launch.
  func withNumber<Result>(_ body: (Int32) -> Result) -> Result { descriptor.withNumber(body) }

  /// Makes `group` the foreground group.
  func give(to group: Int32) { _ = descriptor.withNumber { tcsetpgrp($0, group) } }

  /// Takes the foreground back from `group`, and only from it: a shell may have moved on meanwhile.
  /// SIGTTOU is blocked in the supervisor, or this call would stop it.
  func takeBack(from group: Int32) {
    if descriptor.withNumber({ tcgetpgrp($0) }) == group { give(to: ownGroup) }
  }
}
