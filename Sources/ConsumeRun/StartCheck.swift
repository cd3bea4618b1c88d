// SPDX-License-Identifier: Apache-2.0
public import KafkaClient
internal import RunModel

/// The checks of a member before it joins its group: whether the topics are there, how many partitions they have and
/// their limits. Waits for brokers.
public struct StartCheck {
  private static let answerWait: Int32 = 10_000

  private let consumer: GroupConsumer
  private let topic: String

  /// A check by the consumer of a member that reads `topic`.
  public init(_ consumer: GroupConsumer, topic: String) {
    self.consumer = consumer
    self.topic = topic
  }

  /// Why a check ended.
  public enum Problem: Error, Sendable {
    /// No broker answered; the stages of a connection test name the cause.
    case unanswered(KafkaCause)
    /// Status 78 with a sentence.
    case unusable(String)
  }

  /// The topics as they are.
  ///
  /// - Throws: the first that is wrong.
  public func plan(results: String?, insights: String?, deadLetters: String?) throws(Problem) -> OutputPlan {
    var plan = OutputPlan()
    plan.inputPartitions = try partitions(of: topic, for: "requests (--from)")
    plan.results = try results.map { name throws(Problem) in try output(name, for: "results (--to)") }
    plan.insights = try insights.map { name throws(Problem) in try output(name, for: "payloads") }
    plan.deadLetters = try deadLetters.map { name throws(Problem) in try output(name, for: "dead letters") }
    guard let cluster = consumer.clusterID(waiting: Self.answerWait) else { throw .unanswered(.withoutAnswer) }
    plan.clusterID = cluster
    return plan
  }

  /// A warning about a topic of dead letters whose records a broker may delete immediately; nil if all is well. Dead
  /// letters keep the time of their request, and brokers delete by it.
  public func warning(ofDeadLetters topic: String) -> String? {
    let retention = consumer.setting("retention.ms", of: topic, waiting: Self.answerWait)
    let stamp = consumer.setting("message.timestamp.type", of: topic, waiting: Self.answerWait)
    guard let retention, let stamp, retention != "-1", stamp != "LogAppendTime" else { return nil }
    return
      "topic \(topic) deletes dead letters of old requests (retention.ms=\(retention), by the time of the request); "
      + "set its retention.ms to -1 or its message.timestamp.type to LogAppendTime."
  }

  /// Where each partition with requests ends now.
  ///
  /// - Throws: ``Problem/unanswered(_:)``.
  public func ends(partitions: Int) throws(Problem) -> [Int32: Int64] {
    var ends: [Int32: Int64] = [:]
    for partition in 0..<Int32(partitions) {
      guard let range = consumer.range(of: partition, waiting: Self.answerWait) else {
        throw .unanswered(.withoutAnswer)
      }
      if !range.isEmpty { ends[partition] = range.upperBound }
    }
    return ends
  }

  private func output(_ name: String, for use: String) throws(Problem) -> OutputPlan.Topic {
    let partitions = try partitions(of: name, for: use)
    let limit = consumer.setting("max.message.bytes", of: name, waiting: Self.answerWait).flatMap { Int($0) }
    return OutputPlan.Topic(name: name, partitions: partitions, limit: limit ?? OutputPlan.standardLimit)
  }

  private func partitions(of name: String, for use: String) throws(Problem) -> Int {
    switch consumer.describe(name, waiting: Self.answerWait) {
    case .found(let partitions, _): return partitions
    case .unanswered(let cause): throw .unanswered(cause)
    case .refused(let cause, _):
      throw .unusable(
        "topic: \(name), the topic of \(use): \(cause.text); make it (kafka-topics.sh --create --topic \(name)), or give "
          + "this user access to it.")
    }
  }
}
