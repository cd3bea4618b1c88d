// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import Platform

/// Writes the envelope of a call: in memory while it is small, then in a file. It is ASCII: an old client decodes each
/// network chunk on its own, and would corrupt a character that a chunk boundary cuts.
struct ResultEncoder {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  private let form: CallOutput.Form
  private let directory: String
  private var bytes: [UInt8] = []
  private var file: Descriptor?
  private var written = 0
  /// The bytes of a character whose end is still to come.
  private var character: [UInt8] = []

  init(form: CallOutput.Form, directory: String) {
    self.form = form
    self.directory = directory
  }

  /// Appends JSON.
  mutating func append(_ json: [UInt8]) throws(SystemError) {
    bytes.append(contentsOf: json)
    guard bytes.count > RequestBody.memoryLimit else { return }
    let file = if let file { file } else { try Descriptor.anonymousFile(in: directory) }
    self.file = file
    try file.writeAll(bytes, at: written)
    written += bytes.count
    bytes.removeAll(keepingCapacity: true)
  }

  /// Appends a piece of the result.
  mutating func append(result piece: UnsafeRawBufferPointer) throws(SystemError) {
    var encoded: [UInt8] = []
    if form == .binary { encode64(piece, to: &encoded) } else { escape(piece, to: &encoded) }
    try append(encoded)
  }

  /// All that was appended.
  consuming func body() throws(SystemError) -> HTTPResponse.Body {
    guard let file else { return .bytes(bytes) }
    try file.writeAll(bytes, at: written)
    return .file(file)
  }

  private mutating func escape(_ piece: UnsafeRawBufferPointer, to encoded: inout [UInt8]) {
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
