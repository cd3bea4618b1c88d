internal import Glibc
internal import RunModel

/// Asks for a password at the terminal, without showing it.
enum PasswordPrompt {
  /// The longest that is taken, in bytes: an Event Hubs connection string has about 200.
  private static let longest = 4096
  /// How often is looked whether a signal waits, in milliseconds.
  private static let signalPause: Int32 = 100

  /// - Throws: `ExitFailure` where there is no terminal, or nothing is entered.
  static func ask(user: String) throws(ExitFailure) -> Secret {
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else {
      throw ExitFailure(
        status: 64,
        sentence: "there is no terminal to ask for the password at; give it with --password-file or --password-env.")
    }
    defer { close(terminal) }
    var before = termios()
    tcgetattr(terminal, &before)
    var silent = before
    silent.c_lflag &= ~tcflag_t(ECHO)
    // A signal would end the program between these two and leave a terminal that shows nothing: it waits until the echo
    // is back. Ctrl-C is read like any character.
    var interrupts = sigset_t()
    var mask = sigset_t()
    sigemptyset(&interrupts)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP] { sigaddset(&interrupts, number) }
    silent.c_lflag &= ~tcflag_t(ISIG)
    pthread_sigmask(SIG_BLOCK, &interrupts, &mask)
    tcsetattr(terminal, TCSAFLUSH, &silent)
    // Not before: what is typed or pasted at once would be shown, and then thrown away by the flush.
    show("Password of \(TerminalText.safe(user)): ", terminal)
    let line = readLine(terminal)
    tcsetattr(terminal, TCSADRAIN, &before)
    pthread_sigmask(SIG_SETMASK, &mask, nil)
    show("\n", terminal)
    guard let line, !line.isEmpty else {
      throw ExitFailure(status: 64, sentence: "no password was entered, so nothing is changed.")
    }
    guard let password = String(validating: line, as: UTF8.self) else {
      throw ExitFailure(status: 64, sentence: "the password is not UTF-8 text; check the terminal's encoding.")
    }
    return Secret(password)
  }

  /// A line's bytes; nil where the user gave up (Ctrl-C, Ctrl-D at its start) or a signal waits to end the program.
  private static func readLine(_ terminal: Int32) -> [UInt8]? {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while line.count < longest {
      var watched = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
      while poll(&watched, 1, signalPause) == 0 {
        var waiting = sigset_t()
        sigpending(&waiting)
        if [SIGINT, SIGTERM, SIGHUP, SIGQUIT].contains(where: { sigismember(&waiting, $0) == 1 }) { return nil }
      }
      guard read(terminal, &byte, 1) == 1 else { break }
      switch byte {
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"): return line
      case 3: return nil
      default: line.append(byte)
      }
    }
    return line.isEmpty ? nil : line
  }

  private static func show(_ text: String, _ terminal: Int32) {
    let bytes = Array(text.utf8)
    _ = write(terminal, bytes, bytes.count)
  }
}
