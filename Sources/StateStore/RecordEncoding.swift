// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// How a record's headers are stored, and what proves that the record reads as it was written.
enum RecordEncoding {
  /// Names and values in turn, each after its length in bytes as four bytes, lowest first.
  static func encode(_ headers: [InsightsRecord.Header]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 8 })
    for header in headers {
      append(header.name, to: &bytes)
      append(header.value, to: &bytes)
    }
    return bytes
  }

  /// The headers in `bytes`; nil if those are not whole.
  static func decode(_ bytes: [UInt8]) -> [InsightsRecord.Header]? {
    var rest = bytes[...]
    var headers: [InsightsRecord.Header] = []
    while !rest.isEmpty {
      guard let name = takeText(&rest), let value = takeText(&rest) else { return nil }
      headers.append(InsightsRecord.Header(name, value))
    }
    return headers
  }

  /// The CRC-32 (the one of zlib and gzip) of key, value and headers, with the lengths of the first two in front so
  /// that no byte can pass from one to the next unseen.
  static func checksum(key: String, value: [UInt8], headers: [UInt8]) -> Int64 {
    var sum = CRC32()
    sum.update(littleEndian(key.utf8.count))
    sum.update(littleEndian(value.count))
    sum.update(Array(key.utf8))
    sum.update(value)
    sum.update(headers)
    return Int64(sum.value)
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: littleEndian(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  private static func littleEndian(_ count: Int) -> [UInt8] {
    let number = UInt32(clamping: count)
    return [
      UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8),
      UInt8(truncatingIfNeeded: number >> 16), UInt8(truncatingIfNeeded: number >> 24),
    ]
  }

  private static func takeText(_ bytes: inout ArraySlice<UInt8>) -> String? {
    guard bytes.count >= 4 else { return nil }
    let count = bytes.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    bytes = bytes.dropFirst(4)
    guard bytes.count >= count, let text = String(validating: bytes.prefix(count), as: UTF8.self) else { return nil }
    bytes = bytes.dropFirst(count)
    return text
  }
}
