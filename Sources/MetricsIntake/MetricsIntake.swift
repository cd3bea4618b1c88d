// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import JSONText
public import RunModel

/// Takes the bytes of one execution's metrics channel as they come, and returns the reported metrics at the end.
///
/// Bytes in, ``CollectedMetrics`` out: knows neither processes nor descriptors. Memory is bounded by the limits of
/// ``MetricRules``, whatever the child writes.
public struct MetricsIntake: ~Copyable {
  private let rules: MetricRules
  private let hashSeed = RandomNumbers.next()
  private var table = MetricTable()
  private var rejections: [MetricRejection] = []
  private var unlistedRejections = 0
  /// The reason of the first of those.
  private var unlistedReason = RejectionReason.malformedLine
  /// The beginning of a line whose end has not come yet.
  private var pending: [UInt8] = []
  private var skipsRestOfLine = false
  private var line = 1
  private var keptBytes = 0
  private var droppedBytes: UInt64 = 0
  // Reused from line to line.
  private var members = MemberList()
  private var decodedName: [UInt8] = []

  /// An intake that judges by `rules`.
  public init(rules: MetricRules) { self.rules = rules }

  /// Takes the next piece of the stream; the bytes are lent for the call.
  public mutating func consume(_ piece: UnsafeRawBufferPointer) {
    guard let start = piece.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
    let kept = min(piece.count, MetricRules.maximumStreamBytes - keptBytes)
    droppedBytes += UInt64(piece.count - kept)
    keptBytes += kept
    var position = 0
    while position < kept {
      guard let length = Self.distanceToNewline(start + position, kept - position) else {
        keepTail(start + position, count: kept - position)
        return
      }
      endLine(start + position, count: length)
      position += length + 1
      line += 1
    }
  }

  /// Judges the whole stream; call it once, at its end. The limits on number and size hold for the final values, so
  /// they are applied here.
  public mutating func finish() -> CollectedMetrics {
    if droppedBytes > 0 {
      // Half a line precedes the cut: the rest of it is unknown.
      reject(
        .line(line, excerpt: ""), .streamTooLong,
        "\(droppedBytes) bytes after the first \(MetricRules.maximumStreamBytes) were not kept")
    } else if !pending.isEmpty {
      // The last line may lack its newline. One that was too long has been rejected already, and left nothing here.
      endPending()
    }
    let accepted = applyLimits()
    if unlistedRejections > 0 {
      rejections.append(
        MetricRejection(
          subject: .line(line, excerpt: ""), reason: unlistedReason,
          detail: "and \(unlistedRejections) more rejections that are not listed one by one"))
    }
    return CollectedMetrics(accepted: accepted, rejected: rejections)
  }

  // MARK: Lines

  private static func distanceToNewline(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int? {
    guard let found = memchr(bytes, 0x0a, count) else { return nil }
    return UnsafeRawPointer(found) - UnsafeRawPointer(bytes)
  }

  private mutating func keepTail(_ bytes: UnsafePointer<UInt8>, count: Int) {
    guard !skipsRestOfLine else { return }
    if pending.count + count > MetricRules.maximumLineBytes {
      // One byte beyond the limit is enough to know.
      rejectLongLine(pending.isEmpty ? UnsafeBufferPointer(start: bytes, count: count) : nil)
      pending.removeAll(keepingCapacity: true)
      skipsRestOfLine = true
    } else {
      pending.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
    }
  }

  private mutating func endLine(_ bytes: UnsafePointer<UInt8>, count: Int) {
    if skipsRestOfLine {
      skipsRestOfLine = false
    } else if pending.isEmpty {
      endOfLine(bytes, count: count)
    } else {
      keepTail(bytes, count: count)
      if skipsRestOfLine {
        skipsRestOfLine = false
        return
      }
      endPending()
      pending.removeAll(keepingCapacity: true)
    }
  }

  private mutating func endPending() {
    let whole = pending
    whole.withUnsafeBufferPointer { buffer in
      if let start = buffer.baseAddress { endOfLine(start, count: buffer.count) }
    }
  }

  private mutating func rejectLongLine(_ fresh: UnsafeBufferPointer<UInt8>?) {
    guard hasRoomForRejection(.malformedLine) else { return }
    let beginning = fresh.map { Array($0.prefix(40)) } ?? Array(pending.prefix(40))
    reject(
      .line(line, excerpt: TerminalText.escaped(beginning, limit: 40, inQuotes: false)), .malformedLine,
      "longer than \(MetricRules.maximumLineBytes) bytes")
  }

  private mutating func endOfLine(_ bytes: UnsafePointer<UInt8>, count: Int) {
    guard count <= MetricRules.maximumLineBytes else {
      rejectLongLine(UnsafeBufferPointer(start: bytes, count: count))
      return
    }
    members.removeAll()
    var parser = MetricLineParser(bytes, count: count)
    do throws(MetricLineParser.Malformed) {
      guard try parser.parse(into: &members) else { return }
    } catch {
      guard hasRoomForRejection(.malformedLine) else { return }
      let beginning = UnsafeBufferPointer(start: bytes, count: min(count, 160))
      let excerpt = TerminalText.escaped(beginning, limit: 40, inQuotes: false)
      reject(.line(line, excerpt: excerpt), .malformedLine, error.detail)
      return
    }
    take(bytes)
  }

  // MARK: Members

  /// Takes a line that is well-formed as a whole: nothing of a malformed one counts.
  private mutating func take(_ bytes: UnsafePointer<UInt8>) {
    guard members.count > 1 else {
      if members.count == 1 { judge(members[0], slot: slot(of: members[0], in: bytes), in: bytes) }
      return
    }
    // First pass: of a name that occurs twice in one object the last wins, but its place is that of the first.
    for index in 0..<members.count {
      let slot = slot(of: members[index], in: bytes)
      table.note(slot, line: line, member: index)
      members[index].nameStart = slot
    }
    for index in 0..<members.count {
      let slot = members[index].nameStart
      guard table.slots[slot].line == line else { continue }
      let last = members[table.slots[slot].lastMember]
      table.note(slot, line: 0, member: 0)
      judge(last, slot: slot, in: bytes)
    }
  }

  @inline(__always)
  private mutating func slot(of member: MetricLineParser.Member, in bytes: UnsafePointer<UInt8>) -> Int {
    let start = bytes + member.nameStart
    let count = member.nameEnd - member.nameStart
    guard member.nameIsEscaped else {
      return table.slot(for: start, count: count, hash: NameHash.of(start, count: count, seed: hashSeed))
    }
    decodedName.removeAll(keepingCapacity: true)
    JSONEscape.decode(start, count: count, into: &decodedName)
    let decoded = decodedName
    return decoded.withUnsafeBufferPointer { name in
      let start = name.baseAddress ?? bytes
      return table.slot(for: start, count: name.count, hash: NameHash.of(start, count: name.count, seed: hashSeed))
    }
  }

  private mutating func judge(_ member: MetricLineParser.Member, slot: Int, in bytes: UnsafePointer<UInt8>) {
    let count = member.valueEnd - member.valueStart
    if table.slots[slot].nameCount == 0 {
      rejectMetric(slot, .emptyName, "a metric needs a name")
    } else if !table.slots[slot].hasNumber, let reservation = rules.reservation(of: table.nameBytes(of: slot)) {
      rejectMetric(slot, .reservedName, reservation)
    } else {
      switch member.value {
      case .number: table.setNumber(of: slot, bytes + member.valueStart, count: count)
      case .notFinite:
        let text = UnsafeBufferPointer(start: bytes + member.valueStart, count: min(count, 80))
        rejectMetric(slot, .notFinite, TerminalText.escaped(text, limit: 20))
      case .string: rejectMetric(slot, .notANumber, "a string")
      case .boolean: rejectMetric(slot, .notANumber, "a boolean")
      case .null: rejectMetric(slot, .notANumber, "null")
      case .object: rejectMetric(slot, .notANumber, "an object")
      case .array: rejectMetric(slot, .notANumber, "an array")
      }
    }
  }

  /// The limits on number and size, in the order of first report.
  private mutating func applyLimits() -> [Metric] {
    var accepted: [Metric] = []
    var bytes = 0
    var distinct = 0
    for slot in table.order.map({ Int($0) }) {
      distinct += 1
      let size = table.slots[slot].nameCount + table.slots[slot].numberCount
      if accepted.count == MetricRules.maximumMetrics {
        rejectMetric(slot, .tooManyMetrics, "\(distinct) reported, \(MetricRules.maximumMetrics) allowed")
      } else if bytes + size > MetricRules.maximumPayloadBytes {
        rejectMetric(
          slot, .payloadTooLarge, "\(bytes + size) bytes with it, \(MetricRules.maximumPayloadBytes) allowed")
      } else {
        bytes += size
        accepted.append(Metric(name: table.name(of: slot), number: table.number(of: slot)))
      }
    }
    return accepted
  }

  // MARK: Rejections

  private mutating func rejectMetric(_ slot: Int, _ reason: RejectionReason, _ detail: @autoclosure () -> String) {
    let bit: UInt8
    switch reason {
    case .notANumber: bit = 1
    case .notFinite: bit = 2
    default: bit = 4
    }
    guard table.isFirstRejection(of: slot, bit: bit), hasRoomForRejection(reason) else { return }
    reject(.metric(table.name(of: slot)), reason, detail())
  }

  /// False if enough rejections are listed; this one is counted then.
  private mutating func hasRoomForRejection(_ reason: RejectionReason) -> Bool {
    guard rejections.count >= MetricRules.maximumRejections else { return true }
    if unlistedRejections == 0 { unlistedReason = reason }
    unlistedRejections += 1
    return false
  }

  private mutating func reject(_ subject: MetricRejection.Subject, _ reason: RejectionReason, _ detail: String) {
    rejections.append(MetricRejection(subject: subject, reason: reason, detail: detail))
  }
}
