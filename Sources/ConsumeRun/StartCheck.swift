// SPDX-License-Identifier: Apache-2.0
public import KafkaClient
internal import Platform
public import RunModel

/// The checks of a member before it joins its group: whether the topics are there, how many partitions they have and
/// their limits. Waits for brokers as long as they are away; for the thread of a ``StartWait``.
///
/// Only an answer is a problem: that a topic is not there, or that this user may not use it. A broker that does not answer
/// is asked again, and a topic that was just made is not known to every broker.
public final class StartCheck {
  /// Milliseconds for the first answer, and at most. An answer that comes later is lost: each wait is longer than the last.
  private static let (firstWait, longestWait): (Int32, Int32) = (5000, 40_000)
  private static let askAgain = Duration.milliseconds(250)
  /// How long a topic may be unknown before it counts as missing, and how often a broker has said so by then.
  private static let (newTopicWait, newTopicAnswers) = (Duration.seconds(5), 3)
  /// How long a setting is asked for that the member can do without.
  private static let settingWait = Duration.seconds(60)
  /// Milliseconds for another cluster, once that of the requests has answered.
  private static let otherClusterWait: Int32 = 30_000

  private let consumer: GroupConsumer
  private let topic: String
  private let connection: Connection
  private let report: (String) -> Void
  private var wait = StartCheck.firstWait
  /// The subject of the last report about waiting; nil if there was none.
  private var waitsFor: String?

  /// A check by the consumer of a member that reads `topic`.
  ///
  /// - Parameter report: takes sentences about what it waits for.
  public init(
    _ consumer: GroupConsumer, topic: String, _ connection: Connection, report: @escaping (String) -> Void
  ) {
    self.consumer = consumer
    self.topic = topic
    self.connection = connection
    self.report = report
  }

  /// A member that cannot work like this: a sentence.
  public struct Problem: Error, Sendable {
    /// Ends in what to do.
    public let sentence: String
  }

  /// The topic of requests and its cluster as they are. To be asked first.
  ///
  /// - Throws: what is wrong.
  public func plan() throws(Problem) -> OutputPlan {
    var plan = OutputPlan()
    plan.inputPartitions = try partitions(of: topic, for: "requests (--from)")
    // It came with the topic.
    guard let cluster = consumer.clusterID(waiting: wait) else {
      throw Problem(
        sentence: "metadata: the brokers give no identifier of their cluster; use Apache Kafka 0.10.1 or later, "
          + "without api.version.request=false.")
    }
    plan.clusterID = cluster
    return plan
  }

  /// Adds the topics that are written.
  ///
  /// - Throws: the first that is wrong.
  public func add(
    results: String?, insights: String?, deadLetters: String?, to plan: inout OutputPlan
  ) throws(Problem) {
    plan.results = try results.map { name throws(Problem) in try output(name, for: "results (--to)") }
    plan.insights = try insights.map { name throws(Problem) in try output(name, for: "payloads") }
    plan.deadLetters = try deadLetters.map { name throws(Problem) in try output(name, for: "dead letters") }
    guard let name = deadLetters, let warning = warning(ofDeadLetters: name) else { return }
    report(warning)
  }

  /// Whether `other` is a connection to the cluster of the requests; not if its brokers do not answer.
  public func isOfSameCluster(_ other: Connection, as plan: OutputPlan) -> Bool {
    guard let settings = try? ProducerSettings(other, traffic: .many),
      let consumer = try? GroupConsumer(settings, GroupSettings(topic: other.topic, group: "algo-run"))
    else { return false }
    defer { consumer.abandon() }
    return consumer.clusterID(waiting: max(wait, Self.otherClusterWait)) == plan.clusterID
  }

  /// Where each partition with requests ends now.
  ///
  /// - Throws: what is wrong.
  public func ends(partitions: Int) throws(Problem) -> [Int32: Int64] {
    var ends: [Int32: Int64] = [:]
    for partition in 0..<Int32(partitions) {
      let range = try end(of: partition)
      if !range.isEmpty { ends[partition] = range.upperBound }
    }
    return ends
  }

  /// To be called when all is known.
  public func finish() {
    if waitsFor != nil { report("the brokers answer, and the topics are there") }
  }

  // MARK: Questions

  private func end(of partition: Int32) throws(Problem) -> Range<Int64> {
    while true {
      do throws(KafkaCause) {
        return try consumer.range(of: partition, waiting: wait)
      } catch {
        if error.isRefusal { throw problem(of: topic, for: "requests (--from)", error) }
        try unanswered("the end of partition \(partition) of topic \(topic)", error)
      }
    }
  }

  private func partitions(of name: String, for use: String) throws(Problem) -> Int {
    var unknown: (since: MonotonicInstant, answers: Int)?
    while true {
      switch consumer.describe(name, waiting: wait) {
      case .found(let partitions, _) where partitions > 0: return partitions
      case .found: show("topic \(name)", "waiting for topic \(name), which has no partition yet")
      case .unanswered(let cause):
        try unanswered("topic \(name)", cause)
        continue
      case .refused(let cause, _) where cause.isUnknownTopic:
        let before = unknown ?? (.now(), 0)
        unknown = (before.since, before.answers + 1)
        if before.answers + 1 >= Self.newTopicAnswers, before.since + Self.newTopicWait <= .now() {
          throw problem(of: name, for: use, cause)
        }
        show(
          "topic \(name)",
          "waiting for topic \(name), which is not there (\(cause.text)); it may just have been made")
      case .refused(let cause, _):
        if cause.isRefusal { throw problem(of: name, for: use, cause) }
        show("topic \(name)", "waiting for topic \(name): \(cause.text)")
      }
      Thread<Void>.pause(Self.askAgain)
    }
  }

  private func output(_ name: String, for use: String) throws(Problem) -> OutputPlan.Topic {
    let partitions = try partitions(of: name, for: use)
    let limit = setting("max.message.bytes", of: name).flatMap { Int($0) }
    return OutputPlan.Topic(name: name, partitions: partitions, limit: limit ?? OutputPlan.standardLimit)
  }

  /// A setting of a topic; nil if this user may not see it, or it is not known in time.
  private func setting(_ setting: String, of name: String) -> String? {
    let end = MonotonicInstant.now() + Self.settingWait
    while true {
      do throws(KafkaCause) {
        return try consumer.setting(setting, of: name, waiting: wait)
      } catch {
        guard error.isUnanswered || error.isUnknownTopic, MonotonicInstant.now() < end else { return nil }
        show("settings of \(name)", "waiting for the settings of topic \(name): \(error.text)")
        lengthenWait()
        Thread<Void>.pause(Self.askAgain)
      }
    }
  }

  /// Nil if all is well. Dead letters keep the time of their request, and brokers delete by it.
  private func warning(ofDeadLetters topic: String) -> String? {
    guard let retention = setting("retention.ms", of: topic), retention != "-1",
      let stamp = setting("message.timestamp.type", of: topic), stamp != "LogAppendTime"
    else { return nil }
    return
      "topic \(topic) deletes dead letters of old requests (retention.ms=\(retention), by the time of the request); "
      + "set its retention.ms to -1 or its message.timestamp.type to LogAppendTime."
  }

  // MARK: Waiting

  private func problem(of name: String, for use: String, _ cause: KafkaCause) -> Problem {
    Problem(
      sentence:
        "topic: \(name), the topic of \(use): \(cause.text); make it (kafka-topics.sh --create --topic \(name)), or give "
        + "this user access to it.")
  }

  /// No broker answered: finds out how far this machine gets.
  ///
  /// - Throws: the other end's answer if that is the cause: another protocol, a certificate, a login that failed.
  private func unanswered(_ question: String, _ cause: KafkaCause) throws(Problem) {
    var failure: (step: StageResult, text: String)?
    _ = ConnectionTest(connection).run(through: .metadata) { step in
      switch step.verdict {
      case .failed(let cause, let hint, _): failure = (step, "\(step.stage.rawValue): \(cause). \(hint)")
      case .refused(let error): failure = (step, "\(step.stage.rawValue): \(error); correct the connection.")
      case .passed, .skipped: break
      }
    }
    if let failure, failure.step.isFirm { throw Problem(sentence: failure.text) }
    show(
      failure?.step.stage.rawValue ?? question,
      "waiting for the brokers: " + (failure?.text ?? "no answer yet about \(question) (\(cause.text))"))
    lengthenWait()
    Thread<Void>.pause(Self.askAgain)
  }

  private func lengthenWait() { wait = min(wait * 2, Self.longestWait) }

  /// Reports what it waits for, unless that was the last report.
  private func show(_ subject: String, _ sentence: String) {
    guard waitsFor != subject else { return }
    waitsFor = subject
    report(sentence)
  }
}
