// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import RunModel
import Testing

@testable import StateStore

@Suite struct FallbackTests {
  let temporary: TemporaryHome
  var home: HomeDirectory { temporary.home }

  init() throws { temporary = try TemporaryHome() }

  private func files() -> [String] { temporary.names().filter { $0.hasPrefix("insights-fallback") } }

  /// Moves all there is into the outbox and claims it.
  private func claimAll() throws -> OutboxClaim {
    try Outbox(home: home).claim(limit: 100_000, for: ClaimOwner(home: home))
  }

  private func publish(_ name: String, insights: Bool) throws {
    _ = try VersionStore(home: home).publish(
      VersionSpec(algorithm: try AlgorithmName(parsing: name), command: ["true"], insights: insights))
  }

  /// An entry whose payload names a version.
  private func entry(_ key: String, of algorithm: String) -> OutboxEntry {
    let value = """
      {"request_id":"\(key)","algorithm_owner":"o","algorithm_name":"\(algorithm)","algorithm_version":"1.0.0"}
      """
    return OutboxEntry(InsightsRecord(key: key, value: Array(value.utf8), headers: []), window: .seconds(240))
  }

  @Test func `a payload goes through the fallback file with its key, headers, moments and bytes`() throws {
    let made = WallClock.now() + .seconds(-5)
    let record = InsightsRecord(
      key: "r\u{e9}\"\\\n1", value: Array(#"{"request_id":"r\u00e9\"\\\n1","x":0.10,"y":12345678901234567890}"#.utf8),
      headers: [.init("ce_id", "r\u{e9}\"\\\n1"), .init("traceparent", ""), .init("ce_id", "again")])
    let entry = OutboxEntry(record, createdAt: made, window: .seconds(77))
    try FallbackFile(home: home).append([entry])
    #expect(try temporary.mode("insights-fallback.ndjson") == 0o600)
    #expect(try FallbackFile.count(in: home) == 1)
    let claimed = try #require(try claimAll().records.first)
    #expect(claimed.record == record && claimed.createdAt == made && claimed.windowEnd == made + .seconds(77))
    #expect(files().isEmpty)
    #expect(try FallbackFile.count(in: home) == 0)
  }

  @Test func `a payload whose window is over when it is taken in expires like any other`() throws {
    let made = WallClock.now() + .seconds(-500)
    try FallbackFile(home: home).append([OutboxEntry(sampleRecord("late"), createdAt: made, window: .seconds(240))])
    #expect(try claimAll().records.isEmpty)
    #expect(try Outbox(home: home).expire().count == 1)
    #expect(try Outbox(home: home).list(states: [.expired]).map(\.key) == ["late"])
  }

  @Test func `of many that write and take in together each payload comes into the outbox exactly once`() throws {
    let home = home
    let failures = inThreads(12) { number in
      if number % 3 == 0 {
        let outbox = try Outbox(home: home)
        for _ in 0..<50 {
          outbox.nextLookForFallback = .now()
          _ = outbox.takeInFallback(atLeast: 1)
        }
      } else {
        let fallback = FallbackFile(home: home)
        for payload in 0..<50 { try fallback.append(sampleEntries(["\(number)-\(payload)"])) }
      }
    }
    #expect(failures.isEmpty)
    let keys = try claimAll().records.map(\.record.key)
    #expect(keys.count == 400 && Set(keys).count == 400)
    #expect(files().isEmpty)
  }

  @Test func `a stopped process that holds the lock of the file keeps no payload from being written or taken in`()
    throws
  {
    let fallback = FallbackFile(home: home)
    try fallback.append(sampleEntries(["first"]))
    let held = try Descriptor.open(home.fallbackFile, flags: O_RDWR, mode: 0)
    #expect(FallbackFile.lock(held) != nil)
    try fallback.append(sampleEntries(["second"]))
    #expect(files().count == 2)
    #expect(try claimAll().records.map(\.record.key) == ["second"])
    #expect(try FallbackFile.count(in: home) == 1)
    held.close()
    // The first deliverer has ended, so its record is free again.
    #expect(try claimAll().records.map(\.record.key) == ["second", "first"])
  }

  @Test func `a writer that has the file open when it is taken in writes to another one`() throws {
    try FallbackFile(home: home).append(sampleEntries(["first"]))
    let open = try Descriptor.open(home.fallbackFile, flags: O_RDWR, mode: 0)
    #expect(try claimAll().records.count == 1)
    #expect(FallbackFile.lock(open) == nil)
  }

  @Test func `many payloads are kept in files that are each taken in as a whole`() throws {
    let fallback = FallbackFile(home: home)
    let keys = (0..<4000).map { "\($0)" }
    for start in stride(from: 0, to: keys.count, by: 100) {
      try fallback.append(sampleEntries(Array(keys[start..<start + 100])))
    }
    #expect(files().count > 1)
    #expect(try FallbackFile.count(in: home) == keys.count)
    #expect(Set(try claimAll().records.map(\.record.key)) == Set(keys))
  }

  @Test func `a line that does not read as it was written becomes a corrupt record and stops no other`() throws {
    let fallback = FallbackFile(home: home)
    try fallback.append(sampleEntries(["a", "b", "c"]))
    var lines = try String(contentsOfFile: home.fallbackFile, encoding: .utf8).split(separator: "\n").map(String.init)
    lines[1] = lines[1].replacingOccurrences(of: "\"b\"", with: "\"B\"")
    let torn = String(lines[2].prefix(100))
    try Data((lines + ["not JSON", torn]).joined(separator: "\n").utf8).write(
      to: URL(fileURLWithPath: home.fallbackFile))
    // A payload behind the torn line begins on a line of its own.
    try fallback.append(sampleEntries(["d"]))
    let claim = try claimAll()
    #expect(claim.records.map(\.record.key) == ["a", "c", "d"])
    #expect(claim.corrupt.count == 3)
    #expect(try Outbox(home: home).list(states: [.corrupt]).map(\.bytes) == [lines[1].utf8.count, 8, torn.utf8.count])
  }

  @Test func `bare payloads of an earlier algo-run are taken in with key, type and a window from now on`() throws {
    try publish("o/on", insights: true)
    let line = #"{"request_id":"r\u00e9q","algorithm_owner":"o","algorithm_name":"on","algorithm_version":"1.0.0"}"#
    try Data("\(line)\n".utf8).write(to: URL(fileURLWithPath: home.fallbackFile))
    let before = WallClock.now()
    let claimed = try #require(try claimAll().records.first)
    #expect(claimed.record.key == "r\u{e9}q" && claimed.record.value == Array(line.utf8))
    #expect(claimed.record.headers.contains(.init("ce_type", "algo-run.insights.v1")))
    #expect(claimed.windowEnd >= before + Connection.standardDeliveryWindow)
  }

  @Test func `a payload that was kept without its version being looked up is delivered only if Insights is on`() throws
  {
    try publish("o/on", insights: true)
    try publish("o/off", insights: false)
    let entries = [entry("1", of: "on"), entry("2", of: "off"), entry("3", of: "unknown"), entry("4", of: "on")]
    try FallbackFile(home: home).append(entries, isVerified: false)
    #expect(try claimAll().records.map(\.record.key) == ["1", "4"])
    #expect(files().isEmpty)
    #expect(try Outbox(home: home).list().count == 2)
  }

  @Test func `while the state cannot be read such a payload waits in the file and is counted`() throws {
    try publish("o/on", insights: true)
    let state = try Data(contentsOf: URL(fileURLWithPath: home.stateDatabase))
    try FallbackFile(home: home).append([entry("1", of: "on")], isVerified: false)
    try Data("rubbish".utf8).write(to: URL(fileURLWithPath: home.stateDatabase))
    #expect(try claimAll() == OutboxClaim())
    #expect(try FallbackFile.count(in: home) == 1)
    try state.write(to: URL(fileURLWithPath: home.stateDatabase))
    #expect(try claimAll().records.map(\.record.key) == ["1"])
  }
}
