// SPDX-License-Identifier: Apache-2.0
internal import JSONText
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
    json.beginObject()
    for header in record.headers { json.member(header.name, header.value) }
    json.endObject()
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
    guard let members = JSONMembers(line) else { return nil }
    guard let form = members["fallback"] else { return decodeBare(Array(line), members.string("request_id"), at: now) }
    guard String(decoding: form, as: UTF8.self) == Self.form, let value = members["payload"],
      let key = members.string("key"), let headers = headers(members["headers"]),
      let created = members.integer("created_microseconds"), let end = members.integer("window_end_microseconds"),
      let verified = members["verified"], let checksum = members.integer("checksum"),
      checksum == RecordEncoding.checksum(key: key, value: value, headers: RecordEncoding.encode(headers))
    else { return nil }
    var entry = OutboxEntry(
      InsightsRecord(key: key, value: value, headers: headers), createdAt: Timestamp(microseconds: created),
      window: .zero)
    entry.windowEnd = Timestamp(microseconds: end)
    return (entry, String(decoding: verified, as: UTF8.self) == "true")
  }

  private static func decodeBare(
    _ payload: [UInt8], _ key: String?, at now: Timestamp
  ) -> (entry: OutboxEntry, isVerified: Bool)? {
    guard let key else { return nil }
    let record = InsightsRecord(
      key: key, value: payload,
      headers: [.init("ce_type", "algo-run.insights.v1"), .init("content-type", "application/json")])
    return (OutboxEntry(record, createdAt: now, window: Connection.standardDeliveryWindow), false)
  }

  private static func headers(_ json: [UInt8]?) -> [InsightsRecord.Header]? {
    guard let json, let members = JSONMembers(json) else { return nil }
    var headers: [InsightsRecord.Header] = []
    for member in members.all {
      guard let value = JSONString.text(member.value) else { return nil }
      headers.append(InsightsRecord.Header(member.name, value))
    }
    return headers
  }
}
