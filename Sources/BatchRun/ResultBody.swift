// SPDX-License-Identifier: Apache-2.0
internal import JSONText

/// Turns captured bytes, chunk by chunk, into the value of a result line's member `result`.
package struct ResultBody {
  /// The limit of one chunk; a multiple of 3, so that base64 needs no padding before the end.
  static let chunk = 49_152

  private let form: CapturedOutput.Form
  private var isInString = false
  private var isEscaped = false

  package init(form: CapturedOutput.Form) { self.form = form }

  /// The text before the first chunk and after the last.
  package var quote: [UInt8] { form == .json ? [] : [UInt8(ascii: "\"")] }

  /// Appends the encoding of the next bytes to `line`.
  package mutating func encode(_ bytes: UnsafeRawBufferPointer, to line: inout [UInt8]) {
    switch form {
    case .json: minify(bytes, &line)
    case .text: escape(bytes, &line)
    case .base64: encode64(bytes, &line)
    }
  }

  /// A line must stay one line, so the space between tokens goes; tokens, numbers above all, stay as written.
  private mutating func minify(_ bytes: UnsafeRawBufferPointer, _ line: inout [UInt8]) {
    var start = 0
    for (index, byte) in bytes.enumerated() {
      if isInString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        }
      } else if byte == UInt8(ascii: "\"") {
        isInString = true
      } else if byte <= 0x20 {
        line.append(contentsOf: bytes[start..<index])
        start = index + 1
      }
    }
    line.append(contentsOf: bytes[start...])
  }

  private func escape(_ bytes: UnsafeRawBufferPointer, _ line: inout [UInt8]) {
    var start = 0
    for (index, byte) in bytes.enumerated() {
      guard byte < 0x20 || byte == 0x22 || byte == 0x5c || byte == 0x7f else { continue }
      line.append(contentsOf: bytes[start..<index])
      start = index + 1
      JSONString.appendEscape(UInt16(byte), to: &line)
    }
    line.append(contentsOf: bytes[start...])
  }

  private func encode64(_ bytes: UnsafeRawBufferPointer, _ line: inout [UInt8]) {
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      var group = UInt32(bytes[start]) << 16
      if count > 1 { group |= UInt32(bytes[start + 1]) << 8 }
      if count > 2 { group |= UInt32(bytes[start + 2]) }
      for position in 0..<4 {
        let digit = Int(group >> (18 - UInt32(position) * 6)) & 63
        line.append(position <= count ? Self.alphabet[digit] : UInt8(ascii: "="))
      }
    }
  }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}
