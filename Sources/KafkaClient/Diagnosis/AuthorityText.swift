// SPDX-License-Identifier: Apache-2.0
/// The certificates of a file in PEM form (RFC 7468), for people.
public enum AuthorityText {
  /// A clause on each certificate: subject, issuer and end of validity. Empty if none can be read.
  public static func certificates(inPEM text: String) -> [String] {
    var (found, body, isInside) = ([String](), [UInt8](), false)
    for line in text.split(whereSeparator: \.isNewline) {
      if line.hasPrefix("-----BEGIN ") {
        (body, isInside) = ([], line.hasSuffix(" CERTIFICATE-----"))
      } else if line.hasPrefix("-----END ") {
        if isInside, let certificate = Certificate(der: decoded(body)) { found.append(certificate.description) }
        isInside = false
      } else if isInside {
        body += line.utf8
      }
    }
    return found
  }

  /// The bytes of a text in base 64. Other characters are left out.
  private static func decoded(_ text: [UInt8]) -> [UInt8] {
    var (bytes, buffer, bits) = ([UInt8](), UInt32(0), 0)
    for character in text {
      let value: UInt8
      switch character {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - 65
      case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - 71
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character + 4
      case UInt8(ascii: "+"): value = 62
      case UInt8(ascii: "/"): value = 63
      default: continue
      }
      (buffer, bits) = (buffer << 6 | UInt32(value), bits + 6)
      guard bits >= 8 else { continue }
      bits -= 8
      bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
      buffer &= (1 << UInt32(bits)) - 1
    }
    return bytes
  }
}
