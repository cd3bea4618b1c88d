// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import RunModel

/// Results of ended calls in files without names, so that memory does not depend on how many there are. A result is found
/// by its request ID for an hour, or until the files hold more than they may: then the oldest go.
///
///     record: header, request ID, JSON before the result, JSON after it, result
///
/// Records are appended. Each slot has the last record of its IDs, and each record the one before it.
struct ResultLog {
  /// A file with the records of some time; offsets count through all of them.
  private struct Segment {
    let file: Descriptor
    let start: Int
    var newest: MonotonicInstant
  }

  /// The beginning of a record; the last four are lengths.
  private struct Header {
    static let size = 7 * 8
    let previous: Int
    let endedAt: Int
    let form: CallOutput.Form
    let id: Int
    let prefix: Int
    let suffix: Int
    let result: Int

    var count: Int { Self.size + id + prefix + suffix + result }

    func write(to bytes: inout [UInt8]) {
      let form = Self.forms.firstIndex(of: form) ?? 0
      for word in [previous, endedAt, form, id, prefix, suffix, result] {
        withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
      }
    }

    init?(_ bytes: [UInt8]?) {
      guard let bytes else { return nil }
      let words = (0..<7).map { word in
        (0..<8).reduce(0) { $0 | Int(bytes[word * 8 + $1]) << ($1 * 8) }
      }
      self.init(
        previous: words[0], endedAt: words[1], form: Self.forms[words[2]], id: words[3], prefix: words[4],
        suffix: words[5], result: words[6])
    }

    init(previous: Int, endedAt: Int, form: CallOutput.Form, id: Int, prefix: Int, suffix: Int, result: Int) {
      (self.previous, self.endedAt, self.form) = (previous, endedAt, form)
      (self.id, self.prefix, self.suffix, self.result) = (id, prefix, suffix, result)
    }

    private static let forms: [CallOutput.Form] = [.json, .text, .binary]
  }

  /// How long a result is found.
  static let retention = Duration.seconds(3600)
  private static let segmentBytes = 16 << 20
  private static let bufferBytes = 65_536
  private static let slots = 65_536

  private let limit: Int
  private let directory: String
  private let epoch = MonotonicInstant.now()
  private var segments: [Segment] = []
  /// Offset + 1 of the last record of each slot; 0 for none.
  private var heads: [Int] = []
  /// The records that are not in the file of the last segment yet.
  private var buffer: [UInt8] = []
  private var end = 0
  /// Whether a failure was reported, which is done once.
  private var hasReported = false

  /// At most `limit` bytes in files in `directory`.
  init(limit: Int, directory: String) { (self.limit, self.directory) = (limit, directory) }

  /// Adds the description of a call. Without space in the directory all are forgotten, with a line on stderr.
  mutating func append(_ id: String, _ result: EncodedResult, endedAt: MonotonicInstant) {
    do throws(SystemError) { try add(id, result, endedAt) } catch {
      removeAll()
      guard !hasReported else { return }
      hasReported = true
      MessageStream.standardError.print(
        "older results of ended calls are forgotten, because \(directory) takes no more (\(error)); free space there.")
    }
  }

  /// The description of a call; nil if it is not here, or no more.
  func find(_ id: String, at now: MonotonicInstant) -> EncodedResult? {
    guard !heads.isEmpty, let first = segments.first else { return nil }
    var next = heads[Self.slot(id)]
    while next > first.start, let header = Header(bytes(at: next - 1, Header.size)) {
      let start = next - 1 + Header.size
      next = header.previous
      guard bytes(at: start, header.id).map({ $0.elementsEqual(id.utf8) }) == true else { continue }
      guard epoch + .microseconds(header.endedAt) > now - Self.retention else { return nil }
      return result(header, at: start + header.id)
    }
    return nil
  }

  private func result(_ header: Header, at start: Int) -> EncodedResult? {
    let offset = start + header.prefix + header.suffix
    guard let prefix = bytes(at: start, header.prefix), let suffix = bytes(at: start + header.prefix, header.suffix)
    else { return nil }
    let source: EncodedResult.Source
    if header.result <= Self.bufferBytes || offset >= end - buffer.count {
      guard let bytes = bytes(at: offset, header.result) else { return nil }
      source = .bytes(bytes)
    } else {
      guard let segment = segment(of: offset) else { return nil }
      source = .file(segment.file, at: offset - segment.start)
    }
    return EncodedResult(prefix: prefix, form: header.form, source: source, count: header.result, suffix: suffix)
  }

  /// Removes what is too old.
  mutating func trim(at now: MonotonicInstant) {
    while let first = segments.first {
      guard first.newest < now - Self.retention || end - first.start > limit else { return }
      guard segments.count > 1 else { return first.newest < now - Self.retention ? removeAll() : () }
      segments.removeFirst()
    }
  }

  private mutating func removeAll() {
    (segments, heads, buffer) = ([], [], [])
  }

  private mutating func add(_ id: String, _ result: EncodedResult, _ endedAt: MonotonicInstant) throws(SystemError) {
    if heads.isEmpty { heads = [Int](repeating: 0, count: Self.slots) }
    let slot = Self.slot(id)
    let header = Header(
      previous: heads[slot], endedAt: Int((endedAt - epoch).wholeMicroseconds), form: result.form, id: id.utf8.count,
      prefix: result.prefix.count, suffix: result.suffix.count, result: result.count)
    if segments.last.map({ end - $0.start + header.count > Self.segmentBytes }) ?? true {
      try flush()
      segments.append(Segment(file: try .anonymousFile(in: directory), start: end, newest: endedAt))
    }
    header.write(to: &buffer)
    buffer.append(contentsOf: id.utf8)
    for part in [result.prefix, result.suffix, try result.bytes(at: 0, result.count)] { buffer += part }
    heads[slot] = end + 1
    end += header.count
    segments[segments.count - 1].newest = endedAt
    if buffer.count > Self.bufferBytes { try flush() }
  }

  private mutating func flush() throws(SystemError) {
    guard let last = segments.last, !buffer.isEmpty else { return }
    try last.file.writeAll(buffer, at: end - buffer.count - last.start)
    buffer.removeAll(keepingCapacity: buffer.count < 2 * Self.bufferBytes)
  }

  /// Bytes of the last records, from the buffer or a file.
  private func bytes(at offset: Int, _ count: Int) -> [UInt8]? {
    let inBuffer = offset - (end - buffer.count)
    if inBuffer >= 0 { return Array(buffer[inBuffer..<inBuffer + count]) }
    guard let segment = segment(of: offset) else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    let read = bytes.withUnsafeMutableBytes { try? segment.file.read(into: $0, at: offset - segment.start) }
    return read == count ? bytes : nil
  }

  private func segment(of offset: Int) -> Segment? {
    segments.last { $0.start <= offset }
  }

  /// FNV-1a.
  private static func slot(_ id: String) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int(hash >> 20 & UInt64(slots - 1))
  }
}
