// SPDX-License-Identifier: Apache-2.0
/// A moment of the wall clock, to the microsecond, in UTC.
public struct Timestamp: Sendable, Equatable, Comparable, CustomStringConvertible {
  /// Microseconds since 1970-01-01T00:00:00Z.
  public let microseconds: Int64

  /// A moment, in microseconds since the beginning of 1970.
  public init(microseconds: Int64) { self.microseconds = microseconds }

  /// RFC 3339 with six decimals and `Z`: `2021-02-20T00:21:54.867231Z`.
  public var description: String { text(zone: "Z") }

  /// The same without a zone, as the original service wrote it.
  public var withoutZone: String { text(zone: "") }

  private func text(zone: StaticString) -> String {
    let (days, inDay) = microseconds.flooredDivision(by: 86_400_000_000)
    let (year, month, day) = Self.civil(daysSince1970: days)
    let seconds = inDay / 1_000_000
    let parts: InlineArray<7, Part> = [
      Part(year, width: 4, "-"), Part(month, width: 2, "-"), Part(day, width: 2, "T"),
      Part(seconds / 3600, width: 2, ":"), Part(seconds / 60 % 60, width: 2, ":"), Part(seconds % 60, width: 2, "."),
      Part(inDay % 1_000_000, width: 6, zone),
    ]
    // Digit by digit: it stands in every record, payload and result.
    return String(unsafeUninitializedCapacity: 48) { text in
      var end = 0
      for index in 0..<7 { parts[index].append(to: text, at: &end) }
      return end
    }
  }

  /// A number, and the mark that follows it.
  private struct Part {
    let number: UInt64
    let width: Int
    let mark: StaticString

    init(_ number: Int64, width: Int, _ mark: StaticString) {
      (self.number, self.width, self.mark) = (number.magnitude, width, mark)
    }

    func append(to text: UnsafeMutableBufferPointer<UInt8>, at end: inout Int) {
      var width = width
      var rest = number
      // A year beyond 9999 is longer.
      if number > 9999, width == 4 { width = String(number).utf8.count }
      for place in stride(from: end + width - 1, through: end, by: -1) {
        text[place] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      }
      end += width
      if mark.utf8CodeUnitCount > 0 {
        text[end] = mark.utf8Start.pointee
        end += 1
      }
    }
  }

  /// The earlier moment is the smaller.
  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

  /// The moment so much later.
  public static func + (moment: Timestamp, span: Duration) -> Timestamp {
    Timestamp(microseconds: moment.microseconds + span.wholeMicroseconds)
  }

  /// The proleptic Gregorian date, by Howard Hinnant's `civil_from_days`
  /// (https://howardhinnant.github.io/date_algorithms.html).
  private static func civil(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = (days + 719_468).flooredDivision(by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }
}

extension Int64 {
  fileprivate func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
