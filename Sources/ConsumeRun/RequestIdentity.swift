// SPDX-License-Identifier: Apache-2.0
internal import CCrypto
internal import RunModel

/// Identifiers of requests that bring none: the same for every attempt, on any host.
struct RequestIdentity {
  /// `6ba7b811-9dad-11d1-80b4-00c04fd430c8`, the namespace of URLs (RFC 9562).
  private static let urlNamespace: [UInt8] = [
    0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
  ]
  private static let namespace = Array(uuid5(urlNamespace + Array("urn:algo-run:request".utf8)).prefix(16))
  private static let digits = Array("0123456789abcdef".utf8)

  /// The namespace and the first part of a name.
  private let prefix: [UInt8]

  /// Requests of a topic in a cluster.
  init(clusterID: String, topic: String) { prefix = Self.namespace + Array("\(clusterID)/\(topic)/".utf8) }

  /// `req-` and the UUID (version 5) of `CLUSTER_ID/TOPIC/PARTITION/OFFSET`.
  func id(partition: Int32, offset: Int64) -> String {
    var input: [UInt8] = []
    input.reserveCapacity(prefix.count + 32)
    input.append(contentsOf: prefix)
    input.append(contentsOf: String(partition).utf8)
    input.append(UInt8(ascii: "/"))
    input.append(contentsOf: String(offset).utf8)
    let bytes = Self.uuid5(input)
    return String(unsafeUninitializedCapacity: 40) { text in
      var count = 0
      func add(_ byte: UInt8) {
        text[count] = byte
        count += 1
      }
      for byte in "req-".utf8 { add(byte) }
      for index in 0..<16 {
        if index == 4 || index == 6 || index == 8 || index == 10 { add(UInt8(ascii: "-")) }
        add(Self.digits[Int(bytes[index] >> 4)])
        add(Self.digits[Int(bytes[index] & 15)])
      }
      return count
    }
  }

  /// 16 bytes, and four that do not count, for a namespace with a name behind it.
  private static func uuid5(_ input: [UInt8]) -> [UInt8] {
    var bytes = [UInt8](unsafeUninitializedCapacity: 20) { digest, count in
      _ = SHA1(input, input.count, digest.baseAddress)
      count = 20
    }
    bytes[6] = bytes[6] & 0x0f | 0x50
    bytes[8] = bytes[8] & 0x3f | 0x80
    return bytes
  }
}
