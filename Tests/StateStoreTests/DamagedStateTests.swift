// SPDX-License-Identifier: Apache-2.0
import Foundation
import RunModel
import Testing

@testable import StateStore

@Suite struct DamagedStateTests {
  let temporary: TemporaryHome
  var path: String { temporary.home.stateDatabase }

  init() throws {
    temporary = try TemporaryHome()
    try publish()
  }

  private func publish() throws {
    _ = try VersionStore(home: temporary.home, busyTimeout: .milliseconds(50)).publish(
      VersionSpec(algorithm: try AlgorithmName(parsing: "ada/cats"), command: ["true"]))
  }

  private func versions() throws -> [PublishedVersion] {
    try VersionStore(home: temporary.home, busyTimeout: .milliseconds(50)).versions()
  }

  @Test func `a file that is not a database is an error that names it`() throws {
    try Data("this is not a database, and long enough to be looked at as one".utf8).write(
      to: URL(fileURLWithPath: path))
    let error = #expect(throws: StateError.self) { try versions() }
    #expect(error == .corrupt(path: path))
    #expect("\(try #require(error))".contains("\(path) is damaged"))
    #expect(throws: StateError.corrupt(path: path)) { try publish() }
  }

  @Test func `a database with a page of rubbish is an error that names it`() throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    for offset in 4096..<bytes.count { bytes[offset] = 0xa5 }
    try bytes.write(to: URL(fileURLWithPath: path))
    #expect(throws: StateError.corrupt(path: path)) { try versions() }
  }

  @Test func `an empty file, as a power cut leaves it, is damage, and not a home without versions`() throws {
    try Data().write(to: URL(fileURLWithPath: path))
    #expect(throws: StateError.corrupt(path: path)) { try versions() }
    #expect(throws: StateError.corrupt(path: path)) { try publish() }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)).isEmpty)
  }

  @Test func `tables of a newer algo-run are not touched`() throws {
    try temporary.tamper(path, "PRAGMA user_version = 99")
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    let newer = StateError.newerSchema(path: path, found: 99, known: StateDatabase.schema.current)
    #expect(throws: newer) { try versions() }
    #expect(throws: newer) { try publish() }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }

  @Test func `a database that another process keeps locked is an error of its own`() throws {
    let other = try #require(try SQLiteDatabase(path: path, busyTimeout: .seconds(1)))
    try other.execute("BEGIN EXCLUSIVE")
    let error = #expect(throws: StateError.self) { try versions() }
    #expect(error == .locked(path: path))
    #expect(throws: StateError.locked(path: path)) { try publish() }
    try other.execute("ROLLBACK")
    #expect(try versions().count == 1)
  }

  @Test func `a lock that ends in time is waited for`() throws {
    let other = try #require(try SQLiteDatabase(path: path, busyTimeout: .seconds(1)))
    try other.execute("BEGIN EXCLUSIVE")
    let home = temporary.home
    let found = Gathered<Int>()
    let started = DispatchSemaphore(value: 0)
    let finished = DispatchGroup()
    finished.enter()
    Thread {
      started.signal()
      found.append([(try? VersionStore(home: home).versions().count) ?? -1])
      finished.leave()
    }.start()
    started.wait()
    try other.execute("COMMIT")
    finished.wait()
    #expect(found.all == [1])
  }

  /// Root may write everywhere, so the test's process gives that up first.
  @Test func `a database that may only be read is read, and not written`() async throws {
    let readable = try TemporaryHome("readable")
    _ = try VersionStore(home: readable.home).publish(
      VersionSpec(algorithm: try AlgorithmName(parsing: "ada/cats"), command: ["true"]))
    chmod(readable.home.path, 0o755)
    chmod(readable.home.stateDatabase, 0o444)
    await #expect(processExitsWith: .success) {
      if geteuid() == 0 { setuid(65_534) }
      let home = try TemporaryHome.ofParent("readable")
      let store = VersionStore(home: home, busyTimeout: .milliseconds(50))
      #expect(try store.versions().count == 1)
      let error = #expect(throws: StateError.self) {
        try store.publish(VersionSpec(algorithm: try AlgorithmName(parsing: "ada/cats"), command: ["true"]))
      }
      #expect(error == .readOnly(path: home.stateDatabase))
    }
  }

  @Test func `a home that may not be entered or made is an error that names it`() async throws {
    let closed = try TemporaryHome("closed")
    try closed.home.create()
    await #expect(processExitsWith: .success) {
      let home = try TemporaryHome.ofParent("closed")
      // As its owner the process could enter; as the account `nobody` it cannot. Without root it takes its own rights
      // away.
      if geteuid() == 0 { setuid(65_534) } else { chmod(home.path, 0) }
      defer { chmod(home.path, 0o700) }
      #expect(throws: StateError.inaccessible(path: home.stateDatabase, errno: EACCES)) {
        try VersionStore(home: home).versions()
      }
      // An outbox that cannot be read must not be reported as empty.
      #expect(throws: StateError.inaccessible(path: home.outboxDatabase, errno: EACCES)) {
        try Outbox.existing(home: home)
      }
      let below = try HomeDirectory(path: home.path + "/below")
      #expect(throws: StateError.inaccessible(path: below.path, errno: EACCES)) { try below.create() }
    }
  }

  @Test func `a disk that is full is an error of its own`() throws {
    // SQLite reports the same for a database that has reached its own limit as for a full disk.
    #expect(PrivateFile.failure(ENOSPC, at: "/x") == .diskFull(path: "/x"))
    #expect(PrivateFile.failure(EDQUOT, at: "/x") == .diskFull(path: "/x"))
    #expect(PrivateFile.failure(EFBIG, at: "/x") == .inputOutput(path: "/x", errno: EFBIG))
    let database = try #require(try SQLiteDatabase(path: path, busyTimeout: .seconds(1)))
    try database.execute("PRAGMA max_page_count = 5")
    #expect(throws: StateError.diskFull(path: path)) {
      try database.execute(
        "CREATE TABLE big (x); INSERT INTO big SELECT randomblob(20000) FROM (VALUES (1), (2), (3), (4))")
    }
  }

  @Test func `drafts of processes that were killed are removed when the next one makes the file`() throws {
    try FileManager.default.removeItem(atPath: path)
    // No process has the highest number that Linux gives.
    let gone = ["state.db.new-4194304-1", "state.db.new-4194304-1-journal", "state.db.new-\(getpid())-7"]
    let kept = ["state.db.new-\(getppid())-1", "state.db.new-x", "history.db.new-4194304-1"]
    for name in gone + kept { try Data().write(to: URL(fileURLWithPath: "\(temporary.home.path)/\(name)")) }
    try publish()
    #expect(temporary.names() == (kept + ["state.db"]).sorted())
    #expect(try versions().count == 1)
  }

  @Test func `a draft that another process removes is made again`() throws {
    let path = temporary.home.path + "/file"
    var attempts = 0
    try PrivateFile.ensure(path) { draft throws(StateError) in
      attempts += 1
      guard attempts < 3 else { return }
      unlink(draft)
      if attempts == 2 { throw .inaccessible(path: path, errno: ENOENT) }
    }
    #expect(attempts == 3 && temporary.names() == ["file", "state.db"])
  }

  @Test func `every error states a fact, names what it is about, and knows no command line`() throws {
    let errors: [StateError] = [
      .inaccessible(path: "/p", errno: EACCES), .notADirectory(path: "/p"), .readOnly(path: "/p"),
      .diskFull(path: "/p"), .locked(path: "/p"), .corrupt(path: "/p"), .newerSchema(path: "/p", found: 2, known: 1),
      .inputOutput(path: "/p", errno: EIO), .refused(path: "/p", code: 1, message: "m"),
      .unreadableConnection(path: "/p", setting: "kind"),
    ]
    for error in errors {
      #expect("\(error)".contains("/p"))
      #expect(!"\(error)".contains("--") && !"\(error)".hasSuffix("."))
    }
  }
}
