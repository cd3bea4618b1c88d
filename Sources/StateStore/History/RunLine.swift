// SPDX-License-Identifier: Apache-2.0
internal import JSONText
internal import RunModel

/// A line of the journal, taken apart into the columns of `history.db`.
///
/// One value reads one line after the other. Its columns lie in the line's bytes, which must stay where they are, or in
/// memory that the next line uses again: a line that is only moved into the database needs no memory of its own.
@safe struct RunLine {
  /// The meaning of a line.
  enum Content {
    /// An execution that ended, by when it started.
    case run(startedAt: Int64)
    /// Payloads that were removed from the outbox without having been delivered.
    case settled(state: String, at: Int64, requestIDs: [String])
  }

  private var spans = JSONObjectSpans()
  private var json = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
  /// The JSON of an execution without its metrics, its delivery and its payload.
  private(set) var record: [UInt8] = []

  /// Nil for a text that is neither.
  mutating func read(_ json: UnsafeRawBufferPointer) -> Content? {
    unsafe self.json = json
    guard unsafe spans.read(json) else { return nil }
    if let state = string("settled"), let at = unsafe value("at"),
      let moment = unsafe Int64(String(decoding: at, as: UTF8.self)), let ids = string("request_ids")
    {
      return .settled(state: state, at: moment, requestIDs: ids.split(separator: "\n").map(String.init))
    }
    guard unsafe value("request_id")?.first == UInt8(ascii: "\""), let startedAt else { return nil }
    copyRecord()
    return .run(startedAt: startedAt.microseconds)
  }

  private var startedAt: Timestamp? {
    if let text = unsafe plainString("timestamp") { return unsafe Timestamp(parsing: text) }
    return string("timestamp").flatMap { Timestamp(parsing: $0) }
  }

  /// Members that have columns of their own, or none.
  private static let apart: [StaticString] = ["metrics", "delivery", "payload"]

  private mutating func copyRecord() {
    record.removeAll(keepingCapacity: true)
    record.append(UInt8(ascii: "{"))
    // Members that lie beside each other are copied together.
    var kept: Range<Int>?
    for member in spans.members {
      if Self.apart.contains(where: { unsafe JSONObjectSpans.isNamed(member, $0, in: json) }) { continue }
      let whole = (member.name.lowerBound - 1)..<member.value.upperBound
      if let before = kept, before.upperBound + 1 == whole.lowerBound {
        kept = before.lowerBound..<whole.upperBound
      } else {
        copy(kept)
        kept = whole
      }
    }
    copy(kept)
    record.append(UInt8(ascii: "}"))
  }

  private mutating func copy(_ members: Range<Int>?) {
    guard let members else { return }
    if record.count > 1 { record.append(UInt8(ascii: ",")) }
    unsafe record.append(contentsOf: json[members])
  }

  /// The JSON of a member; nil if there is none of that name.
  func value(_ name: StaticString) -> UnsafeRawBufferPointer? {
    unsafe spans.value(name, in: json).map { unsafe UnsafeRawBufferPointer(rebasing: json[$0]) }
  }

  /// The text of a member that is a string.
  func string(_ name: StaticString) -> String? { unsafe value(name).flatMap { unsafe JSONString.text($0[...]) } }

  /// The text of a member that is a string without escapes, where it stands.
  func plainString(_ name: StaticString) -> UnsafeRawBufferPointer? {
    guard let value = unsafe value(name), unsafe value.first == UInt8(ascii: "\""),
      unsafe !value.contains(UInt8(ascii: "\\"))
    else { return nil }
    return unsafe UnsafeRawBufferPointer(rebasing: value.dropFirst().dropLast())
  }
}
