// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka

extension ProducerSettings {
  /// The properties as the library takes them. The caller destroys it, unless a client takes it over.
  ///
  /// - Throws: ``KafkaError/propertyRefused(name:reason:)``.
  func configuration() throws(KafkaError) -> OpaquePointer {
    let configuration = unsafe crdk_conf_new()
    var text = [CChar](repeating: 0, count: 512)
    for property in properties {
      let result = unsafe crdk_conf_set(configuration, property.name, property.value, &text, text.count)
      if result == RD_KAFKA_CONF_OK || (result == RD_KAFKA_CONF_UNKNOWN && property.isOptional) { continue }
      unsafe crdk_conf_destroy(configuration)
      let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw .propertyRefused(name: property.name, reason: redact(reason))
    }
    return unsafe configuration
  }
}
