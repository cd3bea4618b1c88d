// SPDX-License-Identifier: Apache-2.0
internal import CCrypto
internal import RunModel

/// Identifiers of requests that bring none: the same for every attempt, on any host.
struct RequestIdentity {
  /// `6ba7b811-9dad-11d1-80b4-00c04fd430c8`, the namespace of URLs (RFC 9562).
  private static let urlNamespace: [UInt8] = [
    0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
  ]
  private static let namespace = uuid5(urlNamespace, Array("urn:algo-run:request".utf8))

  private let name: String

  /// Requests of a topic in a cluster.
  init(clusterID: String, topic: String) { name = "\(clusterID)/\(topic)/" }

  /// `req-` and the UUID (version 5) of `CLUSTER_ID/TOPIC/PARTITION/OFFSET`.
  func id(partition: Int32, offset: Int64) -> String {
    let bytes = Self.uuid5(Self.namespace, Array("\(name)\(partition)/\(offset)".utf8))
    var text = Array("req-".utf8)
    text.reserveCapacity(40)
    for (index, byte) in bytes.enumerated() {
      if index == 4 || index == 6 || index == 8 || index == 10 { text.append(UInt8(ascii: "-")) }
      for digit in [byte >> 4, byte & 15] {
        text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func uuid5(_ namespace: [UInt8], _ name: [UInt8]) -> [UInt8] {
    let input = namespace + name
    let digest = [UInt8](unsafeUninitializedCapacity: 20) { digest, count in
      _ = SHA1(input, input.count, digest.baseAddress)
      count = 20
    }
    var bytes = Array(digest.prefix(16))
    bytes[6] = bytes[6] & 0x0f | 0x50
    bytes[8] = bytes[8] & 0x3f | 0x80
    return bytes
  }
}
