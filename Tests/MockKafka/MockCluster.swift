// SPDX-License-Identifier: Apache-2.0
public import CRDKafka

/// librdkafka's own cluster of brokers, inside this process: leaders move, brokers fall and errors come on demand.
///
/// Its functions are looked up in the loaded library, as the shipped code does with those that it needs.
public final class MockCluster: @unchecked Sendable {
  /// An error of the library.
  public struct Failure: Error {
    let reason: String
  }

  private let library: OpaquePointer
  private let cluster: OpaquePointer
  /// The address for clients.
  public let bootstrap: String

  /// Starts a cluster of brokers, numbered from 1.
  public init(brokers: Int32 = 3) throws {
    if let reason = crdk_load(nil) { throw Failure(reason: String(cString: reason)) }
    var text = [CChar](repeating: 0, count: 512)
    library = try Self.given(crdk_new_producer(crdk_conf_new(), &text, text.count), "a client")
    typealias New = @convention(c) (OpaquePointer, Int32) -> OpaquePointer?
    cluster = try Self.given(Self.function("rd_kafka_mock_cluster_new", as: New.self)(library, brokers), "a cluster")
    typealias Bootstraps = @convention(c) (OpaquePointer) -> UnsafePointer<CChar>?
    let bootstraps = try Self.function("rd_kafka_mock_cluster_bootstraps", as: Bootstraps.self)(cluster)
    bootstrap = String(cString: try Self.given(bootstraps, "an address"))
  }

  /// Makes a topic.
  public func createTopic(_ name: String, partitions: Int32 = 1, replicas: Int32 = 1) throws {
    typealias Create = @convention(c) (OpaquePointer, UnsafePointer<CChar>, Int32, Int32) -> rd_kafka_resp_err_t
    try check(
      Self.function("rd_kafka_mock_topic_create", as: Create.self)(cluster, name, partitions, replicas), "topic_create")
  }

  /// Makes `broker` the leader of the only partition of `topic`.
  public func setLeader(of topic: String, to broker: Int32) throws {
    typealias Set = @convention(c) (OpaquePointer, UnsafePointer<CChar>, Int32, Int32) -> rd_kafka_resp_err_t
    try check(
      Self.function("rd_kafka_mock_partition_set_leader", as: Set.self)(cluster, topic, 0, broker), "set_leader")
  }

  /// Stops a broker.
  public func setDown(_ broker: Int32) throws { try setBroker(broker, "rd_kafka_mock_broker_set_down") }
  /// Starts a broker again.
  public func setUp(_ broker: Int32) throws { try setBroker(broker, "rd_kafka_mock_broker_set_up") }

  private func setBroker(_ broker: Int32, _ name: String) throws {
    typealias Set = @convention(c) (OpaquePointer, Int32) -> rd_kafka_resp_err_t
    try check(Self.function(name, as: Set.self)(cluster, broker), name)
  }

  /// The next produce requests are answered by these errors, one each.
  public func failProducing(_ errors: [rd_kafka_resp_err_t]) throws {
    typealias Push = @convention(c) (OpaquePointer, Int16, Int, UnsafePointer<rd_kafka_resp_err_t>) -> Void
    try Self.function("rd_kafka_mock_push_request_errors_array", as: Push.self)(cluster, 0, errors.count, errors)
  }

  /// How long `broker` takes for each answer, in milliseconds.
  public func setRoundTrip(of broker: Int32, _ milliseconds: Int32) throws {
    typealias Set = @convention(c) (OpaquePointer, Int32, Int32) -> rd_kafka_resp_err_t
    try check(
      Self.function("rd_kafka_mock_broker_set_rtt", as: Set.self)(cluster, broker, milliseconds), "broker_set_rtt")
  }

  deinit {
    typealias Destroy = @convention(c) (OpaquePointer) -> Void
    try? Self.function("rd_kafka_mock_cluster_destroy", as: Destroy.self)(cluster)
    crdk_destroy(library)
  }

  private func check(_ error: rd_kafka_resp_err_t, _ function: String) throws {
    if error != RD_KAFKA_RESP_ERR_NO_ERROR { throw Failure(reason: "\(function): \(error.rawValue)") }
  }

  private static func given<Value>(_ value: Value?, _ what: String) throws -> Value {
    guard let value else { throw Failure(reason: "librdkafka does not give \(what)") }
    return value
  }

  private static func function<Function>(_ name: String, as type: Function.Type) throws -> Function {
    unsafeBitCast(try given(crdk_symbol(name), name), to: type)
  }
}
