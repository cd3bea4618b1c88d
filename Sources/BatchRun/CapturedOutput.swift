internal import JSONText

/// What one child wrote to stdout: in memory while it is little, then in a file; never more than its limit.
///
/// What it is (JSON, text, neither) is found out while it arrives, so that writing the result needs one more pass and
/// no memory. Objects are used again for later requests.
final class CapturedOutput {
  /// How the result line carries it.
  enum Form { case json, text, base64 }

  /// Outputs up to so many bytes stay in memory.
  static let inMemory = 65_536

  private let limit: Int
  private let spillDirectory: String
  private var bytes: [UInt8] = []
  private var file: AnonymousFile?
  private var json = JSONScanner()
  private var text = UTF8Scanner()
  /// Bytes kept.
  private(set) var size = 0
  /// Whether there was more than the limit, or than the disk could take.
  private(set) var isTruncated = false
  /// Why not all of it could be kept, where that was not the limit.
  private(set) var failure: BatchFailure?

  /// - Parameters:
  ///   - limit: bytes kept; what comes after them is read and dropped.
  ///   - spillDirectory: where the file is, if it needs one.
  init(limit: Int, spillDirectory: String) {
    self.limit = limit
    self.spillDirectory = spillDirectory
  }

  /// Takes the next bytes.
  func receive(_ arrived: UnsafeRawBufferPointer) {
    let kept = UnsafeRawBufferPointer(rebasing: arrived.prefix(limit - size))
    if kept.count < arrived.count { isTruncated = true }
    guard !kept.isEmpty, failure == nil else { return }
    do throws(BatchFailure) {
      try store(kept)
    } catch {
      failure = error
      isTruncated = true
      return
    }
    size += kept.count
    json.consume(kept)
    text.consume(kept)
  }

  private func store(_ piece: UnsafeRawBufferPointer) throws(BatchFailure) {
    if let file { return try file.append(piece) }
    if size + piece.count <= Self.inMemory {
      bytes.append(contentsOf: piece)
      return
    }
    let spilled = try AnonymousFile(in: spillDirectory)
    try spilled.append(bytes)
    try spilled.append(piece)
    file = spilled
    bytes.removeAll(keepingCapacity: true)
  }

  /// How the result line carries what was kept.
  var form: Form {
    if json.isComplete, !isTruncated { return .json }
    // A limit may cut a character in two; a child that ends in half a character wrote no text.
    return text.isValid && (text.unfinished == 0 || isTruncated) ? .text : .base64
  }

  /// Bytes that the result line carries: all that were kept, less a character that the limit cut in two.
  var usableSize: Int { form == .text ? size - text.unfinished : size }

  /// Whether it went to disk.
  var isSpilled: Bool { file != nil }

  /// Bytes held in memory.
  var memoryUsed: Int { bytes.count }

  /// Reads up to `buffer.count` bytes at `offset`.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(BatchFailure) -> Int {
    if let file { return try file.read(into: buffer, at: offset) }
    return bytes.withUnsafeBytes { kept in
      let piece = kept[min(offset, kept.count)...].prefix(buffer.count)
      buffer.copyBytes(from: piece)
      return piece.count
    }
  }

  /// Forgets all, for the next request.
  func reset() {
    bytes.removeAll(keepingCapacity: true)
    file = nil
    json = JSONScanner()
    text = UTF8Scanner()
    size = 0
    isTruncated = false
    failure = nil
  }
}

/// The last bytes of a stream.
struct StreamTail {
  /// Bytes kept.
  static let capacity = 4096

  private var bytes: [UInt8] = []

  /// Takes the next bytes.
  mutating func receive(_ arrived: UnsafeRawBufferPointer) {
    if arrived.count >= Self.capacity {
      bytes.removeAll(keepingCapacity: true)
      bytes.append(contentsOf: arrived.suffix(Self.capacity))
      return
    }
    let surplus = bytes.count + arrived.count - Self.capacity
    if surplus > 0 { bytes.removeFirst(surplus) }
    bytes.append(contentsOf: arrived)
  }

  /// As text: a character that the cut tore at the start is left out, other bytes that are no text become U+FFFD.
  var text: String {
    let torn = bytes.count == Self.capacity ? bytes.prefix(3).prefix { $0 & 0xc0 == 0x80 }.count : 0
    return String(decoding: bytes.dropFirst(torn), as: UTF8.self)
  }

  /// Forgets all.
  mutating func reset() { bytes.removeAll(keepingCapacity: true) }
}
