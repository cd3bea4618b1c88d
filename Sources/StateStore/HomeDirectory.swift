// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import RunModel

/// The one directory that holds algo-run's state: its place, its files, and how it is made.
///
/// Naming it touches nothing; it is made when something is first written. Any number of processes may make and use it
/// immediately.
public struct HomeDirectory: Sendable, Equatable {
  /// Absolute, without a slash at its end.
  public let path: String

  /// The home at a given path; a relative one counts from the current directory.
  ///
  /// - Throws: ``StateError`` if the current directory is gone or its name is not UTF-8.
  public init(path: String) throws(StateError) {
    var absolute = try AbsolutePath.of(path)
    while absolute.utf8.count > 1, absolute.hasSuffix("/") { absolute.removeLast() }
    self.path = absolute
  }

  /// The home by `--home`, else `$ALGO_RUN_HOME`, else `$XDG_STATE_HOME/algo-run`, else `~/.local/state/algo-run`,
  /// where `~` is `$HOME` or, without it, the directory in the user database.
  ///
  /// An empty variable counts as unset. So does a relative `$XDG_STATE_HOME`, as the XDG specification demands.
  ///
  /// - Throws: ``StateError/noHome`` if there is none of these, ``StateError/notText(_:)`` if the one that counts is
  ///   not UTF-8.
  public static func located(
    option: String? = nil, variable: (String) -> [UInt8]? = HomeDirectory.processVariableBytes
  ) throws(StateError) -> HomeDirectory {
    func text(_ name: String) throws(StateError) -> String {
      guard let text = String(validating: variable(name) ?? [], as: UTF8.self) else { throw .notText("$\(name)") }
      return text
    }
    if let option, !option.isEmpty { return try HomeDirectory(path: option) }
    let own = try text("ALGO_RUN_HOME")
    if !own.isEmpty { return try HomeDirectory(path: own) }
    let state = try text("XDG_STATE_HOME")
    if state.hasPrefix("/") { return try HomeDirectory(path: state + "/algo-run") }
    var user = try text("HOME")
    if user.isEmpty { user = userDatabaseHome() ?? "" }
    guard user.hasPrefix("/") else { throw .noHome }
    return try HomeDirectory(path: user + "/.local/state/algo-run")
  }

  /// A variable of this process's environment; nil also if it is not UTF-8.
  public static func processVariable(_ name: String) -> String? {
    processVariableBytes(name).flatMap { String(validating: $0, as: UTF8.self) }
  }

  /// The bytes of a variable of this process's environment.
  public static func processVariableBytes(_ name: String) -> [UInt8]? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe Array(UnsafeRawBufferPointer(start: value, count: strlen(value)))
  }

  /// Published versions and the connection.
  public var stateDatabase: String { path + "/state.db" }
  /// Payloads that wait for delivery.
  public var outboxDatabase: String { path + "/outbox.db" }
  /// Held shared by all that have the outbox open, exclusively by the one that sets a damaged one aside.
  var outboxLock: String { path + "/outbox.lock" }
  /// Executions of the last 90 days.
  var historyDatabase: String { path + "/history.db" }
  /// Segments of the journal of executions that are not in `history.db` yet.
  var historyDirectory: String { path + "/history" }
  /// One byte for each segment that was removed before it was imported.
  var lostSegmentsFile: String { historyDirectory + "/lost" }
  /// Calls over HTTP that had an Idempotency-Key, and their answers.
  public var idempotencyDatabase: String { path + "/idempotency.db" }
  /// The large ones of these answers.
  var answersDirectory: String { path + "/answers" }
  /// A lock file for each process that delivers.
  var deliverersDirectory: String { path + "/deliverers" }
  /// Where payloads go while there is no connection.
  public var insightsFile: String { path + "/insights.ndjson" }
  /// The connection that holds while none is set.
  public var standardConnection: Connection { Connection(kind: .file, filePath: insightsFile) }
  /// Where payloads go when the outbox cannot take them.
  public var fallbackFile: String { path + "/insights-fallback.ndjson" }
  /// The certificate authority copied by `connection set --ca`.
  public var certificateAuthority: String { path + "/ca.pem" }

  /// Files that only algo-run itself writes, those beside its databases included.
  public var ownFiles: [String] {
    let databases = [stateDatabase, outboxDatabase, historyDatabase, idempotencyDatabase]
    return databases.flatMap { path in ["", "-journal", "-wal", "-shm"].map { path + $0 } }
      + [outboxLock, fallbackFile, certificateAuthority]
  }

  /// Makes the home, and directories that are missing above it, for this user alone (0700). One that exists stays as it
  /// is.
  ///
  /// - Throws: ``StateError`` that names the directory that could not be made.
  public func create() throws(StateError) { try PrivateFile.makeDirectory(path) }

  private static func userDatabaseHome() -> String? {
    guard let entry = unsafe getpwuid(getuid()), let home = unsafe entry.pointee.pw_dir else { return nil }
    return unsafe String(cString: home)
  }
}
