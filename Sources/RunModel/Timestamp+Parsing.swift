// SPDX-License-Identifier: Apache-2.0
extension Timestamp {
  /// Takes RFC 3339, `2021-02-20T00:21:54.867231Z` or with a zone such as `+01:00`, or a date alone, which means its
  /// first moment in UTC. Decimals beyond the sixth are cut off. Nil for anything else.
  public init?(parsing text: String) {
    var text = text
    guard let moment = text.withUTF8({ Timestamp(parsing: UnsafeRawBufferPointer($0)) }) else { return nil }
    self = moment
  }

  /// Takes the same as bytes.
  public init?(parsing bytes: UnsafeRawBufferPointer) {
    var place = 0
    func digit(at place: Int) -> Int64? {
      guard place < bytes.count, bytes[place] &- 0x30 < 10 else { return nil }
      return Int64(bytes[place] - 0x30)
    }
    func take(_ count: Int) -> Int64? {
      var number: Int64 = 0
      for _ in 0..<count {
        guard let digit = digit(at: place) else { return nil }
        number = number * 10 + digit
        place += 1
      }
      return number
    }
    func skip(_ character: Unicode.Scalar) -> Bool {
      guard place < bytes.count, bytes[place] == UInt8(ascii: character) else { return false }
      place += 1
      return true
    }
    guard let year = take(4), skip("-"), let month = take(2), skip("-"), let day = take(2), (1...12).contains(month),
      (1...Self.days(in: month, of: year)).contains(day)
    else { return nil }
    let midnight = Self.daysSince1970(year, month, day) * 86_400_000_000
    if place == bytes.count {
      self.init(microseconds: midnight)
      return
    }
    guard skip("T") || skip("t") || skip(" "), let hour = take(2), skip(":"), let minute = take(2), skip(":"),
      let second = take(2), hour < 24, minute < 60, second <= 60
    else { return nil }
    var fraction: Int64 = 0
    if skip(".") {
      let first = place
      while let digit = digit(at: place) {
        if place < first + 6 { fraction = fraction * 10 + digit }
        place += 1
      }
      guard place > first else { return nil }
      for _ in place..<max(place, first + 6) { fraction *= 10 }
    }
    var offset: Int64 = 0
    if !skip("Z"), !skip("z") {
      let sign: Int64 = skip("+") ? 1 : skip("-") ? -1 : 0
      guard sign != 0, let hours = take(2), skip(":"), let minutes = take(2), hours < 24, minutes < 60 else {
        return nil
      }
      offset = sign * (hours * 60 + minutes)
    }
    guard place == bytes.count else { return nil }
    self.init(
      microseconds: midnight + ((hour * 60 + minute - offset) * 60 + second) * 1_000_000 + fraction)
  }

  private static func days(in month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// By Howard Hinnant's `days_from_civil` (https://howardhinnant.github.io/date_algorithms.html), for years from 0.
  private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let era = (year >= 0 ? year : year - 399) / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
