internal import Platform
internal import RunModel

/// One payload as a line of the fallback file: an object with all that the outbox stores of a new record.
///
/// An algo-run up to 0.1 wrote the bare payload. Its headers are lost, and its window is taken to begin when it is read.
enum FallbackLine {
  /// Version of the form, in the member `fallback`.
  private static let form = "1"

  /// The line, its newline included.
  static func encode(_ entry: OutboxEntry, isVerified: Bool) -> [UInt8] {
    let record = entry.record
    let headers = RecordEncoding.encode(record.headers)
    var json = JSONWriter()
    json.beginObject()
    json.member("fallback", number: form)
    json.name("verified")
    json.boolean(isVerified)
    json.member("created_microseconds", integer: entry.createdAt.microseconds)
    json.member("window_end_microseconds", integer: entry.windowEnd.microseconds)
    json.member("key", record.key)
    json.name("headers")
    json.beginArray()
    for header in record.headers {
      json.beginArray()
      json.string(header.name)
      json.string(header.value)
      json.endArray()
    }
    json.endArray()
    json.member(
      "checksum", integer: RecordEncoding.checksum(key: record.key, value: record.value, headers: headers))
    json.name("payload")
    json.raw(record.value)
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// The payload of a line without its newline; nil if it does not read as it was written.
  static func decode(
    _ line: ArraySlice<UInt8>, at now: Timestamp
  ) -> (entry: OutboxEntry, isVerified: Bool)? {
    var scanner = JSONMemberScanner()
    var members: [String: [UInt8]] = [:]
    unsafe line.withUnsafeBytes { bytes in
      unsafe scanner.consume(bytes) { unsafe members[$0.name, default: []].append(contentsOf: $0.bytes) }
    }
    guard scanner.isComplete else { return nil }
    guard let form = members["fallback"] else { return decodeBare(Array(line), members["request_id"], at: now) }
    guard String(decoding: form, as: UTF8.self) == Self.form, let value = members["payload"],
      let key = text(members["key"]), let headers = headers(members["headers"]),
      let created = integer(members["created_microseconds"]), let end = integer(members["window_end_microseconds"]),
      let verified = members["verified"],
      let checksum = integer(members["checksum"]),
      checksum == RecordEncoding.checksum(key: key, value: value, headers: RecordEncoding.encode(headers))
    else { return nil }
    var entry = OutboxEntry(
      InsightsRecord(key: key, value: value, headers: headers), createdAt: Timestamp(microseconds: created),
      window: .zero)
    entry.windowEnd = Timestamp(microseconds: end)
    return (entry, String(decoding: verified, as: UTF8.self) == "true")
  }

  private static func decodeBare(
    _ payload: [UInt8], _ identifier: [UInt8]?, at now: Timestamp
  ) -> (entry: OutboxEntry, isVerified: Bool)? {
    guard let key = text(identifier) else { return nil }
    let record = InsightsRecord(
      key: key, value: payload,
      headers: [.init("ce_type", "algo-run.insights.v1"), .init("content-type", "application/json")])
    return (OutboxEntry(record, createdAt: now, window: Connection.standardDeliveryWindow), false)
  }

  private static func text(_ json: [UInt8]?) -> String? {
    json.flatMap { try? JSONValue(parsing: $0) }?.string
  }

  private static func integer(_ json: [UInt8]?) -> Int64? {
    json.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
  }

  private static func headers(_ json: [UInt8]?) -> [InsightsRecord.Header]? {
    guard let json, case .array(let pairs) = try? JSONValue(parsing: json) else { return nil }
    var headers: [InsightsRecord.Header] = []
    for pair in pairs {
      guard case .array(let parts) = pair, parts.count == 2, let name = parts[0].string, let value = parts[1].string
      else { return nil }
      headers.append(InsightsRecord.Header(name, value))
    }
    return headers
  }
}
