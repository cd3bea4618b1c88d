// SPDX-License-Identifier: Apache-2.0
import Foundation
import StateStore
import Testing

@Suite struct HomeDirectoryTests {
  private func home(_ option: String? = nil, _ variables: [String: String]) throws -> String {
    try HomeDirectory.located(option: option, variable: { variables[$0].map { Array($0.utf8) } }).path
  }

  @Test func `the home is that of the option, else of the first variable that is set`() throws {
    let all = ["ALGO_RUN_HOME": "/own", "XDG_STATE_HOME": "/xdg", "HOME": "/users/ada"]
    #expect(try home("/option", all) == "/option")
    #expect(try home(nil, all) == "/own")
    #expect(try home(nil, all.filter { $0.key != "ALGO_RUN_HOME" }) == "/xdg/algo-run")
    #expect(try home(nil, ["HOME": "/users/ada"]) == "/users/ada/.local/state/algo-run")
  }

  @Test func `a variable that is empty counts as unset, and so does a relative XDG_STATE_HOME`() throws {
    let variables = ["ALGO_RUN_HOME": "", "XDG_STATE_HOME": "relative", "HOME": "/users/ada"]
    #expect(try home(nil, variables) == "/users/ada/.local/state/algo-run")
  }

  @Test func `without HOME the user database is asked`() throws {
    let expected = try #require(getpwuid(getuid())).pointee.pw_dir.map { String(cString: $0) }
    #expect(try home(nil, [:]) == (try #require(expected)) + "/.local/state/algo-run")
  }

  @Test func `a relative path counts from the current directory`() throws {
    let current = FileManager.default.currentDirectoryPath
    #expect(try home("state", [:]) == current + "/state")
    #expect(try home(nil, ["ALGO_RUN_HOME": "a/b/"]) == current + "/a/b")
  }

  @Test func `naming a home makes nothing, creating it makes it and its parents for the owner alone`() throws {
    let temporary = try TemporaryHome()
    let nested = try HomeDirectory(path: temporary.home.path + "/a/b")
    #expect(!FileManager.default.fileExists(atPath: temporary.home.path))
    try nested.create()
    for name in ["", "a", "a/b"] { #expect(try temporary.mode(name) == 0o700) }
  }

  @Test func `a home that exists keeps its rights`() throws {
    let temporary = try TemporaryHome()
    try FileManager.default.createDirectory(
      atPath: temporary.home.path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
    chmod(temporary.home.path, 0o750)
    try temporary.home.create()
    #expect(try temporary.mode() == 0o750)
  }

  @Test func `a file in the place of the home is an error that names it`() throws {
    let temporary = try TemporaryHome()
    try Data().write(to: URL(fileURLWithPath: temporary.home.path))
    #expect(throws: StateError.notADirectory(path: temporary.home.path)) { try temporary.home.create() }
    let below = try HomeDirectory(path: temporary.home.path + "/below")
    #expect(throws: StateError.notADirectory(path: temporary.home.path)) { try below.create() }
  }

  @Test func `many that create one home together all succeed`() throws {
    let temporary = try TemporaryHome()
    let home = try HomeDirectory(path: temporary.home.path + "/x/y/z")
    let failures = inThreads(40) { _ in try home.create() }
    #expect(failures.isEmpty)
    #expect(try temporary.mode("x/y/z") == 0o700)
  }
}
