// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// Who a certificate is for, by whom and until when, read from its DER form (RFC 5280, 4.1).
struct Certificate: Sendable, Equatable, CustomStringConvertible {
  /// Its subject, as in `/O=Example/CN=kafka.example`.
  let subject: String
  /// Who signed it, in the same form.
  let issuer: String
  /// The end of its validity, as in `2030-01-31T12:00:00Z`.
  let expiry: String

  /// Reads a certificate; nil if it is none, or none of the usual form.
  init?(der: some Sequence<UInt8>) {
    var file = DERReader(Array(der)[...])
    guard var certificate = file.enter(DERReader.sequence), var fields = certificate.enter(DERReader.sequence) else {
      return nil
    }
    // The version precedes the serial number, except in version 1.
    var field = fields.next()
    if field?.tag == Self.version { field = fields.next() }
    guard field != nil, fields.next() != nil,  // serial number, signature algorithm
      let issuer = Self.name(&fields), var validity = fields.enter(DERReader.sequence), validity.next() != nil,
      let end = validity.next(), let expiry = Self.moment(end), let subject = Self.name(&fields)
    else { return nil }
    (self.subject, self.issuer, self.expiry) = (subject, issuer, expiry)
  }

  /// Subject, issuer and end of validity in one clause.
  var description: String { "\(shownSubject), issued by \(shownIssuer), valid until \(expiry)" }

  /// The subject for a message.
  var shownSubject: String { TerminalText.escaped(subject, limit: 300, inQuotes: false) }

  /// The issuer for a message.
  var shownIssuer: String { issuer == subject ? "itself" : TerminalText.escaped(issuer, limit: 300, inQuotes: false) }

  /// A name of X.500; nil if it has another form.
  private static func name(_ fields: inout DERReader) -> String? {
    guard var names = fields.enter(DERReader.sequence) else { return nil }
    var text = ""
    while var set = names.enter(DERReader.set), var pair = set.enter(DERReader.sequence) {
      guard let type = pair.next(), let value = pair.next() else { return nil }
      let name = attributes.first { $0.type.elementsEqual(type.content) }?.name
      if let name { text += "/\(name)=\(String(decoding: value.content, as: UTF8.self))" }
    }
    return text
  }

  private static let version: UInt8 = 0xa0
  private static let utcTime: UInt8 = 0x17
  private static let generalizedTime: UInt8 = 0x18

  /// Attribute types of X.520, below 2.5.4. Others are left out.
  private static let attributes: [(type: [UInt8], name: String)] = [
    ([0x55, 4, 3], "CN"), ([0x55, 4, 6], "C"), ([0x55, 4, 7], "L"), ([0x55, 4, 8], "ST"), ([0x55, 4, 10], "O"),
    ([0x55, 4, 11], "OU"),
  ]

  /// `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ` in the form of RFC 3339.
  private static func moment(_ element: DERReader.Element) -> String? {
    var digits = String(decoding: element.content, as: UTF8.self)
    guard digits.utf8.dropLast().allSatisfy({ (0x30...0x39).contains($0) }), digits.hasSuffix("Z") else { return nil }
    // RFC 5280, 4.1.2.5.1.
    if element.tag == utcTime { digits = (digits < "50" ? "20" : "19") + digits }
    guard [utcTime, generalizedTime].contains(element.tag), digits.utf8.count == 15 else { return nil }
    let parts = [(0, 4, "-"), (4, 6, "-"), (6, 8, "T"), (8, 10, ":"), (10, 12, ":"), (12, 14, "Z")]
    let bytes = Array(digits.utf8)
    return parts.map { String(decoding: bytes[$0.0..<$0.1], as: UTF8.self) + $0.2 }.joined()
  }
}
