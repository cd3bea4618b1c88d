internal import Glibc
internal import RunModel

/// Asks for a password at the terminal, without showing it.
enum PasswordPrompt {
  /// The longest that is taken, in bytes: an Event Hubs connection string has about 200.
  private static let longest = 4096
  /// How often is looked whether a signal waits, in milliseconds.
  private static let signalPause: Int32 = 50
  /// What ends the program, and what stops it (Ctrl-Z).
  private static let ends = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
  private static let stop = SIGTSTP

  /// What the user did at the prompt.
  private enum Entry { case line([UInt8]), nothing, stopped }

  /// - Throws: `ExitFailure` where there is no terminal, or nothing is entered.
  static func ask(user: String) throws(ExitFailure) -> Secret {
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else {
      throw ExitFailure(
        status: 64,
        sentence: "there is no terminal to ask for the password at; give it with --password-file or --password-env.")
    }
    defer { close(terminal) }
    // A signal would act between these steps and leave a terminal that shows nothing: it waits until the echo is back.
    var signals = sigset_t()
    var mask = sigset_t()
    sigemptyset(&signals)
    for number in ends + [stop] { sigaddset(&signals, number) }
    var entry = Entry.stopped
    while case .stopped = entry {
      pthread_sigmask(SIG_BLOCK, &signals, &mask)
      entry = askOnce(terminal, user)
      // Here a signal that came ends the program, or stops it until it is in the foreground again: then it asks anew.
      pthread_sigmask(SIG_SETMASK, &mask, nil)
    }
    guard case .line(let line) = entry, !line.isEmpty else {
      throw ExitFailure(status: 64, sentence: "no password was entered, so nothing is changed.")
    }
    guard let password = String(validating: line, as: UTF8.self) else {
      throw ExitFailure(status: 64, sentence: "the password is not UTF-8 text; check the terminal's encoding.")
    }
    return Secret(password)
  }

  /// Asks with the echo off; it is on again when this returns.
  private static func askOnce(_ terminal: Int32, _ user: String) -> Entry {
    var before = termios()
    tcgetattr(terminal, &before)
    var silent = before
    silent.c_lflag &= ~tcflag_t(ECHO)
    // Ctrl-C and Ctrl-Z come as signals, at once, whatever the terminal was set to.
    silent.c_lflag |= tcflag_t(ISIG)
    tcsetattr(terminal, TCSAFLUSH, &silent)
    // Not before: what is typed or pasted at once would be shown, and then thrown away by the flush.
    show("Password of \(TerminalText.safe(user)): ", terminal)
    let entry = readLine(terminal)
    // What was typed before a signal came is part of a password: it must not be left for the shell to read and show.
    if case .line = entry { tcsetattr(terminal, TCSADRAIN, &before) } else { tcsetattr(terminal, TCSAFLUSH, &before) }
    show("\n", terminal)
    return entry
  }

  /// A line's bytes; nothing where the user gave up (Ctrl-D) or a signal waits to end the program.
  private static func readLine(_ terminal: Int32) -> Entry {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while line.count < longest {
      var watched = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
      while poll(&watched, 1, signalPause) == 0 {
        var waiting = sigset_t()
        sigpending(&waiting)
        if ends.contains(where: { sigismember(&waiting, $0) == 1 }) { return .nothing }
        if sigismember(&waiting, stop) == 1 { return .stopped }
      }
      guard read(terminal, &byte, 1) == 1 else { break }
      if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { return .line(line) }
      line.append(byte)
    }
    return line.isEmpty ? .nothing : .line(line)
  }

  private static func show(_ text: String, _ terminal: Int32) {
    let bytes = Array(text.utf8)
    _ = write(terminal, bytes, bytes.count)
  }
}
