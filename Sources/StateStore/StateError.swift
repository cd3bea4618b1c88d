// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import RunModel

/// An error of algo-run's state. There is a case for each kind of remedy.
public enum StateError: Error, Equatable, CustomStringConvertible {
  /// The place of the state is unknown.
  case noHome
  /// The name of a directory is not UTF-8; the value names its source.
  case notText(String)
  /// A directory or file of the home cannot be made or opened; `errno` says why.
  case inaccessible(path: String, errno: Int32)
  /// The home, or a parent of it, is not a directory.
  case notADirectory(path: String)
  /// Nothing may be written there.
  case readOnly(path: String)
  /// No space, or no quota, is left.
  case diskFull(path: String)
  /// Another process held the database for the whole of the wait.
  case locked(path: String)
  /// The file is not an SQLite database, or a damaged one.
  case corrupt(path: String)
  /// A newer algo-run has changed the tables; both are schema numbers.
  case newerSchema(path: String, found: Int64, known: Int64)
  /// Reading or writing failed; `errno` says why where the system did.
  case inputOutput(path: String, errno: Int32)
  /// SQLite refused for a reason that is not the environment's; its result code and text.
  case refused(path: String, code: Int32, message: String)

  /// The number is taken, and a published version never changes.
  case alreadyPublished(reference: String, next: VersionNumber)
  /// The part cannot be raised any further.
  case versionsExhausted(reference: String)
  /// Nothing published matches.
  case noSuchVersion(reference: String)
  /// A key has this name already.
  case keyExists(name: String)
  /// No key has this name.
  case noSuchKey(name: String)
  /// A stored setting of the connection cannot be understood; its name.
  case unreadableConnection(path: String, setting: String)

  /// Whether setting the database aside is the remedy.
  var isCorruption: Bool {
    if case .corrupt = self { true } else { false }
  }

  /// Whether waiting is the remedy.
  public var isLock: Bool {
    if case .locked = self { true } else { false }
  }

  /// Whether damage can be the reason: SQLite does not detect all senseless contents by itself.
  var mayBeDamage: Bool {
    if case .refused = self { true } else { isCorruption }
  }

  /// The fact, as a clause. The remedy is the caller's to add.
  public var description: String {
    switch self {
    case .noHome: "there is no place for algo-run's state, because this user has no home directory"
    case .notText(let what): "\(what) is not UTF-8 text, which algo-run needs in names of files"
    case .inaccessible(let path, let code): "\(path) cannot be opened (\(Self.reason(code)))"
    case .notADirectory(let path): "\(path) is not a directory"
    case .readOnly(let path): "\(path) cannot be written, because it is read-only"
    case .diskFull(let path): "\(path) cannot be written, because the disk or the quota is full"
    case .locked(let path): "\(path) is locked by another process"
    case .corrupt(let path): "\(path) is damaged or not a database"
    case .newerSchema(let path, let found, let known):
      "\(path) was written by a newer algo-run (schema \(found), this one knows \(known))"
    case .inputOutput(let path, let code): "\(path) cannot be read or written (\(Self.reason(code)))"
    case .refused(let path, let code, let message): "SQLite refused to work on \(path) (\(message), code \(code))"
    case .alreadyPublished(let reference, _):
      "\(reference) is already published, and a published version never changes"
    case .versionsExhausted(let reference):
      "\(reference) has no number after it, because each part stays below a million"
    case .noSuchVersion(let reference): "no published version matches \(reference)"
    case .keyExists(let name): "there is a key named \(TerminalText.escaped(name)) already"
    case .noSuchKey(let name): "no key is named \(TerminalText.escaped(name))"
    case .unreadableConnection(let path, let setting):
      "the connection stored in \(path) cannot be understood (setting \(setting))"
    }
  }

  private static func reason(_ code: Int32) -> String {
    guard code != 0, let text = unsafe strerror(code) else { return "input/output error" }
    return unsafe String(cString: text)
  }
}
