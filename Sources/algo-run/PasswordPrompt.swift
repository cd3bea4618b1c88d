// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import RunModel

/// Asks for a password at the terminal, without showing it.
///
/// readpassphrase(3) of libbsd cannot replace it: it loses a signal that arrives between its prompt and its read.
enum PasswordPrompt {
  private static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP]
  /// Bytes of a line that a terminal keeps; an Event Hubs connection string has about 200.
  private static let longestLine = 4096
  /// Interval at which pending signals are looked for, in milliseconds.
  private static let signalInterval: Int32 = 50

  /// - Throws: `CommandError` if there is no terminal or no password is entered.
  static func ask(user: String) throws(CommandError) -> Secret {
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else {
      throw CommandError(
        exitCode: 64,
        sentence: "there is no terminal to ask for the password at; give it with --password-file or --password-env.")
    }
    defer { close(terminal) }
    var signals = sigset_t()
    var mask = sigset_t()
    sigemptyset(&signals)
    for number in ending { sigaddset(&signals, number) }
    pthread_sigmask(SIG_BLOCK, &signals, &mask)
    defer { pthread_sigmask(SIG_SETMASK, &mask, nil) }
    var entered: [UInt8]?
    while entered == nil {
      pthread_sigmask(SIG_BLOCK, &signals, nil)
      entered = askOnce(terminal, user)
      // The terminal is as it was: a pending signal now ends the program, or stops it until it is in the foreground
      // again, even if the caller had blocked it.
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }
    guard let entered, !entered.isEmpty else {
      throw CommandError(exitCode: 64, sentence: "no password was entered, so nothing is changed.")
    }
    guard let password = String(validating: entered, as: UTF8.self) else {
      throw CommandError(exitCode: 64, sentence: "the password is not UTF-8 text; check the terminal's encoding.")
    }
    return Secret(password)
  }

  /// One line, without its newline; empty after Ctrl-D, and nil if a signal is pending.
  private static func askOnce(_ terminal: Int32, _ user: String) -> [UInt8]? {
    var before = termios()
    tcgetattr(terminal, &before)
    var silent = before
    silent.c_lflag &= ~tcflag_t(ECHO)
    silent.c_lflag |= tcflag_t(ISIG | ICANON)
    // Before the prompt: a password pasted right after it would be shown, and then lost by the flush.
    tcsetattr(terminal, TCSAFLUSH, &silent)
    let prompt = Array("Password of \(TerminalText.escaped(user)): ".utf8)
    _ = write(terminal, prompt, prompt.count)
    defer {
      // Flushed: the beginning of a password must not be left for the shell.
      tcsetattr(terminal, TCSAFLUSH, &before)
      _ = write(terminal, "\n", 1)
    }
    var watched = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
    while poll(&watched, 1, signalInterval) < 1 {
      var pending = sigset_t()
      sigpending(&pending)
      if ending.contains(where: { sigismember(&pending, $0) == 1 }) { return nil }
    }
    var line = [UInt8](repeating: 0, count: longestLine)
    let count = read(terminal, &line, line.count)
    return Array(line.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") })
  }
}
