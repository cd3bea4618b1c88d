import CRDKafka
import Foundation
import Testing

/// librdkafka's own cluster of brokers, inside this process: leaders move, brokers fall and errors come on demand.
///
/// Its functions are looked up in the loaded library, as the shipped code does with those that it needs.
final class MockCluster: @unchecked Sendable {
  private let library: OpaquePointer
  private let cluster: OpaquePointer
  /// What clients connect to.
  let bootstrap: String

  init(brokers: Int32 = 3) throws {
    try #require(crdk_load() == nil)
    var text = [CChar](repeating: 0, count: 512)
    library = try #require(crdk_new_producer(crdk_conf_new(), &text, text.count))
    typealias New = @convention(c) (OpaquePointer, Int32) -> OpaquePointer?
    cluster = try #require(try Self.function("rd_kafka_mock_cluster_new", as: New.self)(library, brokers))
    typealias Bootstraps = @convention(c) (OpaquePointer) -> UnsafePointer<CChar>?
    let bootstraps = try Self.function("rd_kafka_mock_cluster_bootstraps", as: Bootstraps.self)(cluster)
    bootstrap = String(cString: try #require(bootstraps))
  }

  func createTopic(_ name: String, partitions: Int32 = 1, replicas: Int32 = 1) throws {
    typealias Create = @convention(c) (OpaquePointer, UnsafePointer<CChar>, Int32, Int32) -> rd_kafka_resp_err_t
    let error = try Self.function("rd_kafka_mock_topic_create", as: Create.self)(cluster, name, partitions, replicas)
    #expect(error == RD_KAFKA_RESP_ERR_NO_ERROR)
  }

  /// Makes `topic` answer every request for metadata with `error`.
  func setTopicError(_ topic: String, _ error: rd_kafka_resp_err_t) throws {
    typealias Set = @convention(c) (OpaquePointer, UnsafePointer<CChar>, rd_kafka_resp_err_t) -> Void
    try Self.function("rd_kafka_mock_topic_set_error", as: Set.self)(cluster, topic, error)
  }

  func setLeader(of topic: String, to broker: Int32) throws {
    typealias Set = @convention(c) (OpaquePointer, UnsafePointer<CChar>, Int32, Int32) -> rd_kafka_resp_err_t
    let error = try Self.function("rd_kafka_mock_partition_set_leader", as: Set.self)(cluster, topic, 0, broker)
    #expect(error == RD_KAFKA_RESP_ERR_NO_ERROR)
  }

  func setDown(_ broker: Int32) throws { try setBroker(broker, "rd_kafka_mock_broker_set_down") }
  func setUp(_ broker: Int32) throws { try setBroker(broker, "rd_kafka_mock_broker_set_up") }

  private func setBroker(_ broker: Int32, _ name: String) throws {
    typealias Set = @convention(c) (OpaquePointer, Int32) -> rd_kafka_resp_err_t
    #expect(try Self.function(name, as: Set.self)(cluster, broker) == RD_KAFKA_RESP_ERR_NO_ERROR)
  }

  /// The next produce requests are answered by these errors, one each.
  func failProducing(_ errors: [rd_kafka_resp_err_t]) throws {
    typealias Push = @convention(c) (OpaquePointer, Int16, Int, UnsafePointer<rd_kafka_resp_err_t>) -> Void
    try Self.function("rd_kafka_mock_push_request_errors_array", as: Push.self)(cluster, 0, errors.count, errors)
  }

  /// How long `broker` takes for each answer, in milliseconds.
  func setRoundTrip(of broker: Int32, _ milliseconds: Int32) throws {
    typealias Set = @convention(c) (OpaquePointer, Int32, Int32) -> rd_kafka_resp_err_t
    _ = try Self.function("rd_kafka_mock_broker_set_rtt", as: Set.self)(cluster, broker, milliseconds)
  }

  deinit {
    typealias Destroy = @convention(c) (OpaquePointer) -> Void
    try? Self.function("rd_kafka_mock_cluster_destroy", as: Destroy.self)(cluster)
    crdk_destroy(library)
  }

  private static func function<Function>(_ name: String, as type: Function.Type) throws -> Function {
    unsafeBitCast(try #require(crdk_symbol(name)), to: type)
  }
}
