// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import HTTPService
internal import JSONText

/// Judges the input of a call while it arrives: a large one is never read again for it.
struct CallInput {
  /// As the request names it, without parameters; nil if the bytes decide.
  private let declaredType: String?
  private var hash = SHA256()
  private var json = JSONScanner()
  private var text = UTF8Scanner()

  /// Nil for a type that cannot be an input. Without a type, and as `curl -d` sends it, the bytes decide.
  init?(_ type: String?) {
    switch type?.mediaType ?? "" {
    case "", "application/x-www-form-urlencoded": declaredType = nil
    case "application/text", "text/plain": declaredType = "text/plain"
    case let name where ["application/json", "application/octet-stream"].contains(name): declaredType = name
    default: return nil
    }
  }

  /// A text that is there already, whose bytes decide its type.
  init(text: String) {
    declaredType = nil
    var bytes = text
    bytes.withUTF8 { unsafe consume(UnsafeRawBufferPointer($0)) }
  }

  /// Takes a piece.
  mutating func consume(_ piece: UnsafeRawBufferPointer) {
    hash.consume(piece)
    guard declaredType == nil else { return }
    json.consume(piece)
    text.consume(piece)
  }

  /// The media type for a worker.
  var type: String {
    if let declaredType { return declaredType }
    if json.isComplete { return "application/json" }
    return text.isValid && text.unfinished == 0 ? "text/plain" : "application/octet-stream"
  }

  /// 64 hexadecimal digits.
  var digest: SHA256.Digest {
    let copy = hash
    return copy.finish()
  }
}

extension String {
  /// A media type in lower case, without its parameters.
  var mediaType: String {
    // Nearly every one is its own, and is not made anew.
    let isPlain = utf8.allSatisfy {
      $0 < 0x80 && $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") && !(0x41...0x5a).contains($0)
    }
    if isPlain { return self }
    let bytes = utf8.prefix { $0 != UInt8(ascii: ";") }.filter { $0 != UInt8(ascii: " ") }
    return String(decoding: bytes, as: UTF8.self).lowercased()
  }
}
