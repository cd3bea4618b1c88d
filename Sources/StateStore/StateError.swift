internal import Glibc
public import RunModel

/// What can be wrong with algo-run's state, told apart by who must do what about it.
public enum StateError: Error, Equatable, CustomStringConvertible {
  /// Nothing says where the state lives.
  case noHome
  /// The name of a directory is not UTF-8; the value says whose.
  case notText(String)
  /// A directory or file of the home cannot be made or opened; `errno` says why.
  case inaccessible(path: String, errno: Int32)
  /// Something that is no directory stands where the home or a parent of it should be.
  case notADirectory(path: String)
  /// Nothing may be written there.
  case readOnly(path: String)
  /// No space, or no quota, is left.
  case diskFull(path: String)
  /// Another process held the database for the whole of the wait.
  case locked(path: String)
  /// The file is no SQLite database, or a damaged one.
  case corrupt(path: String)
  /// A newer algo-run has changed the tables; both are schema numbers.
  case newerSchema(path: String, found: Int64, known: Int64)
  /// Reading or writing failed; `errno` says why where the system did.
  case inputOutput(path: String, errno: Int32)
  /// SQLite refused for a reason that is no fault of the environment; its result code and words.
  case refused(path: String, code: Int32, message: String)

  /// The number is taken, and a published version never changes.
  case alreadyPublished(reference: String, next: VersionNumber)
  /// The part cannot be raised any further.
  case versionsExhausted(reference: String)
  /// Nothing published matches.
  case noSuchVersion(reference: String)
  /// What is stored about the connection cannot be understood; the setting's name.
  case unreadableConnection(path: String, setting: String)

  /// Whether setting the database aside is the remedy.
  public var isCorruption: Bool {
    if case .corrupt = self { true } else { false }
  }

  /// Whether waiting is the remedy.
  public var isLock: Bool {
    if case .locked = self { true } else { false }
  }

  /// Whether damage can be the reason: SQLite does not always see by itself that what it reads makes no sense.
  var mayBeDamage: Bool {
    if case .refused = self { true } else { isCorruption }
  }

  /// One sentence that ends in what to do.
  public var description: String {
    switch self {
    case .noHome:
      "there is no place for algo-run's state, because this user has no home directory; pass --home DIR or set "
        + "ALGO_RUN_HOME."
    case .notText(let what):
      "\(what) is not UTF-8 text, which algo-run needs in names of files; rename the directory, or choose another one."
    case .inaccessible(let path, let code):
      "\(path) cannot be opened (\(Self.reason(code))); give this user access to it, or pass another --home DIR."
    case .notADirectory(let path):
      "\(path) is not a directory; move it away, or pass another --home DIR."
    case .readOnly(let path):
      "\(path) cannot be written, because it is read-only; make it writable, or pass another --home DIR."
    case .diskFull(let path):
      "\(path) cannot be written, because the disk or the quota is full; free space and try again."
    case .locked(let path):
      "\(path) is locked by another process; try again, and if it stays so, find that process with `fuser \(path)`."
    case .corrupt(let path) where path.hasSuffix("/outbox.db"):
      "\(path) is damaged or not a database; the next execution that needs it, or `algo-run outbox deliver`, moves it "
        + "aside and saves what can be read."
    case .corrupt(let path):
      "\(path) is damaged or not a database; restore it from a backup, or move it away to start with an empty one."
    case .newerSchema(let path, let found, let known):
      "\(path) was written by a newer algo-run (schema \(found), this one knows \(known)); install the newer algo-run, "
        + "or pass another --home DIR."
    case .inputOutput(let path, let code):
      "\(path) cannot be read or written (\(Self.reason(code))); check the disk and its file system."
    case .refused(let path, let code, let message):
      "SQLite refused to work on \(path) (\(message), code \(code)); please report this with the command that did it."
    case .alreadyPublished(let reference, let next):
      "\(reference) is already published, and a published version never changes; publish the next one with "
        + "--version \(next), or leave --version out."
    case .versionsExhausted(let reference):
      "\(reference) has no number after it, because each part stays below a million; raise a higher part with "
        + "--bump minor or --bump major."
    case .noSuchVersion(let reference):
      "no published version matches \(reference); list what there is with `algo-run versions`, or publish it with "
        + "`algo-run publish`."
    case .unreadableConnection(let path, let setting):
      "the connection stored in \(path) cannot be understood (setting \(setting)); set it again with "
        + "`algo-run connection set`."
    }
  }

  private static func reason(_ code: Int32) -> String {
    guard code != 0, let text = unsafe strerror(code) else { return "input/output error" }
    return unsafe String(cString: text)
  }
}
