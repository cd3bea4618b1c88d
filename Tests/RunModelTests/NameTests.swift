// SPDX-License-Identifier: Apache-2.0
import RunModel
import Testing

/// Names, versions and references as users write them.
struct NameTests {
  @Test(arguments: ["a/b", "A_1/x.y-z", "_x/_y", "9/9", String(repeating: "a", count: 64) + "/b"])
  func `a name of allowed characters is taken`(text: String) throws {
    #expect(try AlgorithmName(parsing: text).description == text)
  }

  @Test(arguments: [
    "", "a", "a/", "/b", "a/b/c", ".a/b", "a/-b", "a b/c", "ä/b", String(repeating: "a", count: 65) + "/b", "a//b",
  ])
  func `another is refused`(text: String) {
    #expect(throws: ReferenceError.self) { try AlgorithmName(parsing: text) }
  }

  @Test func `a reference has five forms`() throws {
    #expect(try AlgorithmReference(parsing: "o/n").selector == .latest)
    #expect(try AlgorithmReference(parsing: "o/n/1").selector == .major(1))
    #expect(try AlgorithmReference(parsing: "o/n/1.2").selector == .minor(1, 2))
    #expect(try AlgorithmReference(parsing: "o/n/1.2.*").selector == .minor(1, 2))
    #expect(
      try AlgorithmReference(parsing: "o/n/1.2.0").selector == .exact(VersionNumber(major: 1, minor: 2, revision: 0)))
  }

  @Test(arguments: ["o/n/", "o/n/x", "o/n/1.", "o/n/1.2.3.4", "o/n/01", "o/n/1.2.x", "o/n/*", "o/n/-1", "o/n/1.*.3"])
  func `any other form is refused`(text: String) {
    #expect(throws: ReferenceError.self) { try AlgorithmReference(parsing: text) }
  }

  @Test func `versions are ordered as numbers`() throws {
    let texts = ["1.10.0", "1.9.9", "2.0.0", "1.9.10"]
    let versions = try texts.map { try VersionNumber(parsing: $0) }.sorted().map(\.description)
    #expect(versions == ["1.9.9", "1.9.10", "1.10.0", "2.0.0"])
  }
}

/// Moments and spans of time.
struct TimeTests {
  @Test(
    arguments: [
      ("500ms", 500_000), ("30s", 30_000_000), ("4m", 240_000_000), ("1.5s", 1_500_000), ("2h", 7_200_000_000),
      ("7d", 604_800_000_000), ("0s", 0),
    ] as [(String, Int64)])
  func `a duration is a number and a unit`(text: String, microseconds: Int64) {
    #expect(DurationText.parse(text)?.wholeMicroseconds == microseconds)
  }

  @Test(arguments: ["", "5", "s", "-1s", "1 s", "1.s", ".5s", "1.2.3s", "5x", "99999999999d", "1e3s", "٣s"])
  func `anything else is not a duration`(text: String) {
    #expect(DurationText.parse(text) == nil)
  }

  @Test(
    arguments: [
      (8_412_600, "8.412"), (30_000_000, "30"), (100_000, "0.1"), (1_010_000, "1.01"), (999, "0"), (1000, "0.001"),
      (300_000_000_000_000, "300000000"), (-8_412_600, "-8.412"), (-400_000, "-0.4"),
    ] as [(Int64, String)])
  func `milliseconds have at most three decimals and no trailing zeros`(nanoseconds: Int64, text: String) {
    #expect(Duration.nanoseconds(nanoseconds).millisecondsText == text)
  }

  @Test(arguments: [0, 1, -1, 9_223_372_036, 9_223_372_037, -9_223_372_037, 300_000_000_000, .max, .min])
  func `spans of each length are the same numbers`(nanoseconds: Int64) {
    let span = Duration(wholeNanoseconds: nanoseconds)
    #expect(span == .nanoseconds(nanoseconds))
    #expect(span.wholeNanoseconds == nanoseconds)
    #expect(span.wholeMicroseconds == nanoseconds / 1000)
  }

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000000Z"), (1_613_780_514_867_231, "2021-02-20T00:21:54.867231Z"),
      (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
      (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
    ] as [(Int64, String)])
  func `a timestamp is RFC 3339 in UTC with six decimals`(microseconds: Int64, text: String) {
    #expect(Timestamp(microseconds: microseconds).description == text)
  }

  @Test func `a request's identifier is req- and a random lowercase UUID`() throws {
    let pattern = /req-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/
    let identifiers = (0..<1000).map { _ in RequestID.random() }
    #expect(identifiers.allSatisfy { $0.wholeMatch(of: pattern) != nil })
    #expect(Set(identifiers).count == 1000)
  }
}
