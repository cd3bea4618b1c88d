/// What one execution is known by, from the child's environment to the key of the Kafka record.
public enum RequestID {
  /// The longest identifier accepted, in UTF-8 bytes: a key and a header have to carry it.
  public static let maximumBytes = 256

  /// `req-` and a random lowercase UUID (version 4, RFC 9562).
  public static func random() -> String { "req-" + uuid() }

  /// A random lowercase UUID (version 4, RFC 9562).
  public static func uuid() -> String {
    var generator = SystemRandomNumberGenerator()
    let high = generator.next() & 0xffff_ffff_ffff_0fff | 0x4000
    let low = generator.next() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
    func hex(_ number: UInt64, _ width: Int) -> String {
      let digits = String(number, radix: 16)
      return String(repeating: "0", count: width - digits.utf8.count) + digits
    }
    return hex(high >> 32, 8) + "-" + hex(high >> 16 & 0xffff, 4) + "-" + hex(high & 0xffff, 4) + "-"
      + hex(low >> 48, 4) + "-" + hex(low & 0xffff_ffff_ffff, 12)
  }

  /// Why `text` cannot be a request's identifier, or nil where it can.
  public static func problem(with text: String) -> String? {
    if text.isEmpty { return "it is empty" }
    if text.utf8.count > maximumBytes { return "it is longer than \(maximumBytes) bytes" }
    if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
      return "it has control characters"
    }
    return nil
  }
}
