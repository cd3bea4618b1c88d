// SPDX-License-Identifier: Apache-2.0
internal import JSONText

/// Encodes a result for the envelope of a call. It is ASCII: an old client decodes each network chunk on its own, and would
/// corrupt a character that a chunk boundary cuts.
struct ResultEncoder {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  let form: CallOutput.Form
  /// The bytes of a character whose end is still to come.
  private var character: [UInt8] = []

  init(form: CallOutput.Form) { self.form = form }

  /// Appends the text of a piece. Of a binary result all pieces but the last are a multiple of 3 bytes.
  mutating func encode(_ piece: UnsafeRawBufferPointer, to encoded: inout [UInt8]) {
    if form == .binary { encode64(piece, to: &encoded) } else { escape(piece, to: &encoded) }
  }

  private mutating func escape(_ piece: UnsafeRawBufferPointer, to encoded: inout [UInt8]) {
    if form == .json, character.isEmpty, piece.allSatisfy({ $0 < 0x80 }) {
      return encoded.append(contentsOf: piece)
    }
    for byte in piece {
      if byte >= 0x80 {
        // The whole result was found to be UTF-8, so a sequence is complete when it decodes.
        character.append(byte)
        guard let text = String(validating: character, as: UTF8.self) else { continue }
        for unit in text.utf16 { JSONString.appendEscape(unit, to: &encoded) }
        character.removeAll(keepingCapacity: true)
      } else if form == .text, byte < 0x20 || byte == 0x22 || byte == 0x5c || byte == 0x7f {
        JSONString.appendEscape(UInt16(byte), to: &encoded)
      } else {
        encoded.append(byte)
      }
    }
  }

  private func encode64(_ piece: UnsafeRawBufferPointer, to encoded: inout [UInt8]) {
    for start in stride(from: 0, to: piece.count, by: 3) {
      let count = min(3, piece.count - start)
      var group = UInt32(0)
      for index in 0..<3 { group = group << 8 | (index < count ? UInt32(piece[start + index]) : 0) }
      for position in 0..<4 {
        let digit = Int(group >> (18 - UInt32(position) * 6)) & 63
        encoded.append(position <= count ? Self.alphabet[digit] : UInt8(ascii: "="))
      }
    }
  }
}
