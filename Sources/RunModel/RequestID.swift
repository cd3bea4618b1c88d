// SPDX-License-Identifier: Apache-2.0
/// The identifier of one execution, from the child's environment to the key of the Kafka record.
public enum RequestID {
  /// The longest identifier accepted, in UTF-8 bytes: a key and a header have to carry it.
  public static let maximumBytes = 256

  /// `req-` and a random lowercase UUID (version 4, RFC 9562).
  public static func random() -> String { "req-" + uuid() }

  /// A random lowercase UUID (version 4, RFC 9562).
  public static func uuid() -> String {
    let high = RandomNumbers.next() & 0xffff_ffff_ffff_0fff | 0x4000
    let low = RandomNumbers.next() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
    // Digit by digit: this is part of every start, and text of numbers in general costs twenty times as much.
    return String(unsafeUninitializedCapacity: 36) { text in
      var position = 0
      for index in 0..<32 {
        if index == 8 || index == 12 || index == 16 || index == 20 {
          text[position] = UInt8(ascii: "-")
          position += 1
        }
        let digit = UInt8(truncatingIfNeeded: (index < 16 ? high : low) >> UInt64(60 - index % 16 * 4) & 0xf)
        text[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        position += 1
      }
      return position
    }
  }

  /// Why `text` cannot be a request's identifier, or nil if it can.
  public static func problem(with text: String) -> String? {
    if text.isEmpty { return "it is empty" }
    if text.utf8.count > maximumBytes { return "it is longer than \(maximumBytes) bytes" }
    if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
      return "it has control characters"
    }
    return nil
  }
}
