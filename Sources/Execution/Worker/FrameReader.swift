// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import RunModel

/// Takes a stream of frames apart as its bytes arrive. Bodies are passed on in pieces, never kept.
struct FrameReader {
  enum Part {
    case header(Frame)
    /// Bytes of the body, lent until the next call.
    case body(UnsafeRawBufferPointer)
    case end
  }

  /// Bytes that are not a frame, escaped for the terminal.
  struct Malformed: Error, Equatable {
    let excerpt: String
  }

  private let verbs: [Frame.Verb]
  /// The beginning of a header whose end has not come yet.
  private var pending: [UInt8] = []
  /// Bytes of the body still to come; nil between frames.
  private var missing: Int?

  init(verbs: [Frame.Verb]) { self.verbs = verbs }

  /// Whether the stream may end here.
  var isBetweenFrames: Bool { pending.isEmpty && missing == nil }

  /// Takes the next part from the front of `bytes`; nil if more bytes are needed.
  mutating func next(_ bytes: inout UnsafeRawBufferPointer) throws(Malformed) -> Part? {
    if let missing {
      if missing == 0 {
        self.missing = nil
        return .end
      }
      guard !bytes.isEmpty else { return nil }
      let piece = UnsafeRawBufferPointer(rebasing: bytes.prefix(missing))
      bytes = UnsafeRawBufferPointer(rebasing: bytes[piece.count...])
      self.missing = missing - piece.count
      return .body(piece)
    }
    guard let start = bytes.baseAddress, !bytes.isEmpty else { return nil }
    let found = memchr(start, 0x0a, bytes.count).map { UnsafeRawPointer($0) - start }
    let length = found ?? bytes.count
    guard pending.count + length < Frame.mostHeaderBytes else { throw malformed(bytes) }
    guard found != nil else {
      pending.append(contentsOf: bytes)
      bytes = UnsafeRawBufferPointer(rebasing: bytes[length...])
      return nil
    }
    let frame: Frame?
    if pending.isEmpty {
      frame = Frame(parsing: UnsafeRawBufferPointer(rebasing: bytes[..<length]), verbs: verbs)
    } else {
      pending.append(contentsOf: bytes[..<length])
      frame = pending.withUnsafeBytes { Frame(parsing: $0, verbs: verbs) }
    }
    guard let frame else { throw malformed(UnsafeRawBufferPointer(rebasing: bytes[..<length])) }
    pending.removeAll(keepingCapacity: true)
    bytes = UnsafeRawBufferPointer(rebasing: bytes[(length + 1)...])
    missing = frame.length
    return .header(frame)
  }

  /// Forgets half a frame, whose writer has ended.
  mutating func reset() {
    pending.removeAll(keepingCapacity: true)
    missing = nil
  }

  private func malformed(_ bytes: UnsafeRawBufferPointer) -> Malformed {
    let beginning = pending.isEmpty ? Array(bytes.prefix(160)) : Array(pending.prefix(160))
    return Malformed(excerpt: TerminalText.escaped(beginning, limit: 40))
  }
}
