// SPDX-License-Identifier: Apache-2.0
import Foundation
import RunModel
import Testing

@testable import StateStore

@Suite struct VersionStoreTests {
  let temporary: TemporaryHome
  let store: VersionStore

  init() throws {
    temporary = try TemporaryHome()
    store = VersionStore(home: temporary.home)
  }

  private func publish(
    _ name: String = "ada/cats", _ numbering: VersionSpec.Numbering = .raising(.revision), insights: Bool? = nil
  ) throws -> PublishedVersion {
    try store.publish(
      VersionSpec(
        algorithm: try AlgorithmName(parsing: name), numbering: numbering, command: ["python3", "cats.py"],
        insights: insights))
  }

  private func version(_ text: String) throws -> VersionNumber { try VersionNumber(parsing: text) }

  private func latest(_ reference: String) throws -> String? {
    try store.latest(matching: AlgorithmReference(parsing: reference))?.reference
  }

  @Test func `the first version is 1_0_0 whatever part is raised, and the revision goes up by default`() throws {
    #expect(try publish("ada/a", .raising(.major)).version == .first)
    #expect(try publish().reference == "ada/cats/1.0.0")
    #expect(try publish().reference == "ada/cats/1.0.1")
    #expect(try publish("ada/cats", .raising(.minor)).reference == "ada/cats/1.1.0")
    #expect(try publish("ada/cats", .raising(.major)).reference == "ada/cats/2.0.0")
    #expect(try publish().reference == "ada/cats/2.0.1")
  }

  @Test func `a number that is published already is refused with the next free one`() throws {
    _ = try publish("ada/cats", .exactly(version("1.2.9")))
    let error = #expect(throws: StateError.self) { try publish("ada/cats", .exactly(version("1.2.9"))) }
    #expect(error == .alreadyPublished(reference: "ada/cats/1.2.9", next: try version("1.2.10")))
    #expect("\(try #require(error))".contains("ada/cats/1.2.9 is already published"))
  }

  @Test func `a number beyond a million is never given`() throws {
    _ = try publish("ada/cats", .exactly(version("1.0.999999")))
    #expect(throws: StateError.versionsExhausted(reference: "ada/cats/1.0.999999")) { try publish() }
    #expect(try publish("ada/cats", .raising(.minor)).reference == "ada/cats/1.1.0")
  }

  @Test func `every part of a version comes back as it was given`() throws {
    var worker = WorkerSettings()
    (worker.isolates, worker.maxRequests, worker.maxResidentBytes) = (true, 7, 1 << 40)
    (worker.initTimeout, worker.idle, worker.drain) = (.milliseconds(1), .seconds(2), .zero)
    let publication = VersionSpec(
      algorithm: try AlgorithmName(parsing: "ada/cats"), command: ["sh", "-c", "", "é\u{1F431}\n"], directory: "/srv/é",
      timeLimit: .milliseconds(1500),
      environment: [EnvironmentVariable(name: "A", value: "x=y"), EnvironmentVariable(name: "B", value: "")],
      worker: worker, notes: "tells cats\nfrom dogs", insights: true)
    let published = try store.publish(publication, at: Timestamp(microseconds: 1_700_000_000_123_456))
    let again = VersionStore(home: temporary.home)
    let found = try again.latest(matching: AlgorithmReference(parsing: "ada/cats"))
    #expect(found == published)
    #expect(found?.worker == worker)
    #expect(found?.command == publication.command)
    #expect(found?.environment == publication.environment)
    #expect(found?.timeLimit == .milliseconds(1500))
    #expect(found?.publishedAt.microseconds == 1_700_000_000_123_456)
  }

  @Test func `a reference means the latest version that matches, by number and not by text`() throws {
    for text in ["1.2.0", "1.2.10", "1.2.9", "1.10.0", "2.0.0"] { _ = try publish("ada/cats", .exactly(version(text))) }
    _ = try publish("ada/cats2")
    #expect(try latest("ada/cats") == "ada/cats/2.0.0")
    #expect(try latest("ada/cats/1") == "ada/cats/1.10.0")
    #expect(try latest("ada/cats/1.2") == "ada/cats/1.2.10")
    #expect(try latest("ada/cats/1.2.*") == "ada/cats/1.2.10")
    #expect(try latest("ada/cats/1.2.9") == "ada/cats/1.2.9")
    #expect(try latest("ada/cats/1.3") == nil)
    #expect(try latest("ada/dogs") == nil)
    let listed = try store.versions(matching: AlgorithmReference(parsing: "ada/cats/1")).map { "\($0.version)" }
    #expect(listed == ["1.2.0", "1.2.9", "1.2.10", "1.10.0"])
    #expect(try store.versions().map(\.reference).last == "ada/cats2/1.0.0")
    #expect(try store.versions().count == 6)
  }

  @Test func `Insights is off at first and then as it was for the latest version, unless stated otherwise`() throws {
    #expect(try !publish().insights)
    #expect(try publish("ada/cats", insights: true).insights)
    #expect(try publish().insights)
    #expect(try !publish("ada/cats", insights: false).insights)
    #expect(try !publish().insights)
    #expect(try !publish("ada/other").insights)
  }

  @Test func `the switch turns the latest version that matches, and no other`() throws {
    for _ in 0..<3 { _ = try publish() }
    let switched = try store.setInsights(true, matching: AlgorithmReference(parsing: "ada/cats/1.0.1"))
    #expect(switched.reference == "ada/cats/1.0.1")
    #expect(switched.insights)
    #expect(try store.versions().map(\.insights) == [false, true, false])
    _ = try store.setInsights(true, matching: AlgorithmReference(parsing: "ada/cats"))
    #expect(try store.versions().map(\.insights) == [false, true, true])
    #expect(throws: StateError.noSuchVersion(reference: "ada/cats/7")) {
      try store.setInsights(true, matching: AlgorithmReference(parsing: "ada/cats/7"))
    }
  }

  @Test func `one who asks again and again sees each version and each switch immediately`() throws {
    let asker = VersionStore(home: temporary.home)
    let all = try AlgorithmReference(parsing: "ada/cats")
    #expect(try asker.current(matching: all) == nil)
    for number in 0..<3 {
      let published = try publish()
      for _ in 0..<2 { #expect(try asker.current(matching: all) == published) }
      #expect(try asker.current(matching: AlgorithmReference(parsing: "ada/cats/1.0.\(number + 1)")) == nil)
    }
    _ = try store.setInsights(true, matching: all)
    #expect(try asker.current(matching: all)?.insights == true)
    // It was not found before.
    #expect(try asker.current(matching: AlgorithmReference(parsing: "ada/cats/1.0.2"))?.insights == true)
  }

  @Test func `what is asked in one moment is of that moment, and the next one sees all that came since`() throws {
    let first = try publish()
    let database = StateDatabase(home: temporary.home)
    let asker = VersionStore(database)
    let all = try AlgorithmReference(parsing: "ada/cats")
    #expect(try asker.current(matching: all) == first)
    let second = database.inOneMoment {
      #expect((try? asker.current(matching: all)) == .some(first))
      let second = try? publish()
      #expect((try? asker.current(matching: all)) == .some(first))
      return second
    }
    #expect(second != nil)
    database.inOneMoment { #expect((try? asker.current(matching: all)) == .some(second)) }
    try FileManager.default.removeItem(atPath: temporary.home.path)
    database.inOneMoment { #expect((try? asker.current(matching: all)) == .some(nil)) }
  }

  @Test func `a value that was read while a writer could not commit is not kept`() throws {
    let first = try publish()
    let asker = VersionStore(home: temporary.home)
    let all = try AlgorithmReference(parsing: "ada/cats")
    let database = try #require(try StateDatabase(home: temporary.home).forReading())
    _ = try? database.writing { () throws(StateError) in
      try database.statement("UPDATE version SET insights = 1").run()
      // The writer has the lock; the asker reads what was committed.
      #expect((try? asker.current(matching: all)) == .some(first))
      throw StateError.locked(path: "")
    }
    #expect(try asker.current(matching: all) == first)
    try database.writing { () throws(StateError) in
      try database.statement("UPDATE version SET insights = 1").run()
    }
    #expect(try asker.current(matching: all)?.insights == true)
  }

  @Test func `nothing of a published version changes but its switch`() throws {
    let published = try publish("ada/cats", .exactly(version("1.2.3")))
    let other = VersionSpec(
      algorithm: published.algorithm, numbering: .exactly(published.version), command: ["other"], notes: "other")
    #expect(throws: StateError.self) { try store.publish(other) }
    let exact = try AlgorithmReference(parsing: "ada/cats/1.2.3")
    #expect(try store.setInsights(true, matching: exact) != published)
    #expect(try store.setInsights(false, matching: exact) == published)
    #expect(try VersionStore(home: temporary.home).versions() == [published])
  }

  @Test func `looking into a home without publications finds nothing and makes nothing`() throws {
    #expect(try store.versions().isEmpty)
    #expect(try latest("ada/cats") == nil)
    #expect(throws: StateError.noSuchVersion(reference: "ada/cats")) {
      try store.setInsights(true, matching: AlgorithmReference(parsing: "ada/cats"))
    }
    #expect(throws: (any Error).self) { try temporary.mode() }
  }

  @Test func `looking for a version while a reader holds the database leaves no trace in the home`() throws {
    _ = try publish()
    let reader = VersionStore(home: temporary.home)
    #expect(try reader.versions().count == 1)
    #expect(temporary.names() == ["state.db"])
  }

  @Test func `many threads that publish together get a number each`() throws {
    let home = temporary.home
    let numbers = Gathered<Int>()
    let failures = inThreads(50) { _ in
      let publication = VersionSpec(algorithm: try AlgorithmName(parsing: "ada/cats"), command: ["true"])
      numbers.append([try VersionStore(home: home).publish(publication).version.revision])
    }
    #expect(failures.isEmpty)
    #expect(numbers.all.sorted() == Array(0..<50))
  }

  @Test(.timeLimit(.minutes(2)))
  func `processes that publish and look together on a home that is not there yet all work`() async throws {
    let temporary = try TemporaryHome("published")
    await withTaskGroup { group in
      for _ in 0..<12 {
        group.addTask {
          await #expect(processExitsWith: .success) {
            let home = try TemporaryHome.ofParent("published")
            let reference = try AlgorithmReference(parsing: "ada/cats")
            for _ in 0..<5 {
              let published = try VersionStore(home: home).publish(
                VersionSpec(algorithm: reference.algorithm, command: ["true"]))
              let found = try #require(try VersionStore(home: home).latest(matching: reference))
              #expect(found.version >= published.version)
            }
          }
        }
      }
    }
    let numbers = try VersionStore(home: temporary.home).versions().map(\.version.revision)
    #expect(numbers == Array(0..<60))
  }
}
