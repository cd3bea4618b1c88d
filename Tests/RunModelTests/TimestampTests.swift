// SPDX-License-Identifier: Apache-2.0
import RunModel
import Testing

/// Moments as users and payloads write them.
struct TimestampTests {
  @Test(
    "A moment is read as it was written",
    arguments: [
      "1970-01-01T00:00:00.000000Z", "2021-02-20T00:21:54.867231Z", "2000-02-29T23:59:59.999999Z",
      "1969-12-31T23:59:59.999999Z", "2400-12-31T12:00:00.000001Z",
    ])
  func roundTrip(text: String) throws {
    #expect(try #require(Timestamp(parsing: text)).description == text)
  }

  @Test("A zone, fewer or more decimals, and a date alone are understood")
  func forms() {
    #expect(Timestamp(parsing: "2026-01-01T01:30:00+01:30") == Timestamp(parsing: "2026-01-01"))
    #expect(Timestamp(parsing: "2025-12-31T19:00:00.5-05:00") == Timestamp(parsing: "2026-01-01T00:00:00.500000Z"))
    #expect(Timestamp(parsing: "2026-01-01T00:00:00.1234567899Z") == Timestamp(parsing: "2026-01-01T00:00:00.123456Z"))
  }

  @Test(
    "Another text is refused",
    arguments: [
      "", "2026", "2026-13-01", "2026-02-29", "2026-01-01T", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
      "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00+1:00", "yesterday", "7d",
    ])
  func refused(text: String) { #expect(Timestamp(parsing: text) == nil) }
}
