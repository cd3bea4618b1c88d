// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka

/// One record that was read. It holds the library's own copy, which may be one block with its neighbours: let it go soon.
@safe public final class ConsumedMessage: @unchecked Sendable {
  private let message: UnsafeMutablePointer<rd_kafka_message_t>
  // The client must outlive it.
  private let consumer: GroupConsumer
  private let hasHeaders: Bool
  /// Its partition.
  public let partition: Int32
  /// Its offset in the partition.
  public let offset: Int64

  init(_ message: UnsafeMutablePointer<rd_kafka_message_t>, of consumer: GroupConsumer) {
    unsafe self.message = message
    self.consumer = consumer
    unsafe partition = message.pointee.partition
    unsafe offset = message.pointee.offset
    hasHeaders = unsafe crdk_message_has_headers(message)
  }

  deinit { unsafe crdk_message_destroy(message) }

  /// Bytes of its value.
  public var size: Int { unsafe message.pointee.len }

  /// Nil if it has none.
  public var key: [UInt8]? { unsafe Self.bytes(message.pointee.key, message.pointee.key_len) }

  /// Nil if it has none.
  public var value: [UInt8]? { unsafe Self.bytes(message.pointee.payload, message.pointee.len) }

  /// Milliseconds since 1970; nil without one.
  public var timestamp: Int64? {
    var type: Int32 = 0
    let timestamp = unsafe crdk_message_timestamp(message, &type)
    return timestamp < 0 ? nil : timestamp
  }

  /// The value of the last header of this name; nil without one, or without a value.
  public func header(_ name: String) -> [UInt8]? {
    guard hasHeaders else { return nil }
    var value: UnsafeRawPointer?
    var size = 0
    // Not as an argument, which would copy the name into a new array each time.
    let isThere = unsafe name.withCString { unsafe crdk_message_last_header(message, $0, &value, &size) }
    guard isThere else { return nil }
    return unsafe Self.bytes(value, size)
  }

  /// The same as text; nil also if it is not UTF-8.
  public func text(_ name: String) -> String? { header(name).flatMap { String(validating: $0, as: UTF8.self) } }

  /// All of its headers, in order.
  public var headers: RecordHeaders {
    var headers = RecordHeaders()
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    var size = 0
    while unsafe crdk_message_header(message, headers.count, &name, &value, &size), let text = unsafe name {
      unsafe headers.add(String(cString: text), Self.bytes(value, size))
    }
    return headers
  }

  private static func bytes(_ start: UnsafeRawPointer?, _ count: Int) -> [UInt8]? {
    guard let start = unsafe start else { return nil }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
  }
}
