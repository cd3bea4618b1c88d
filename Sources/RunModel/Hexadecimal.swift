// SPDX-License-Identifier: Apache-2.0
/// Numbers as lowercase hexadecimal digits.
public enum Hexadecimal {
  /// All digits of a number, leading zeros included. Digit by digit: text of numbers in general costs twenty times as much.
  public static func text(_ number: some FixedWidthInteger & UnsignedInteger) -> String {
    let count = number.bitWidth / 4
    return String(unsafeUninitializedCapacity: count) { text in
      for index in 0..<count {
        let digit = UInt8(truncatingIfNeeded: number >> ((count - 1 - index) * 4) & 0xf)
        text[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
      }
      return count
    }
  }

  /// The digits of some bytes.
  public static func text(_ bytes: some Sequence<UInt8>) -> String { bytes.map { text($0) }.joined() }

  /// 256 random bits: a secret that no one guesses.
  public static func secret() -> String { (0..<4).map { _ in text(UInt64.random(in: .min ... .max)) }.joined() }
}
