// SPDX-License-Identifier: Apache-2.0
internal import BatchRun
internal import CommandLineInterface
internal import ConsumeRun
internal import Delivery
internal import Execution
internal import HTTPService
internal import KafkaClient
internal import Platform
internal import ProcessSupervision
internal import RunModel
internal import StateStore

/// `algo-run consume`: requests from a Kafka topic, as one member of a consumer group.
enum ConsumeCommand: Subcommand {
  static let command = Command(
    name: "consume",
    abstract: "Run requests from a Kafka topic, with as many hosts as needed in one group.",
    discussion: """
      The value of each record is the input of one execution. Its result goes to --to, its payload to the topic of \
      the connection, and both with the request's offset in one transaction: under read_committed each request has \
      exactly one result, through crashes of members and brokers. The algorithm itself may run more than once for a \
      request. Members share the partitions of the topic; start one on each host.
      Requests of a partition run side by side and end in any order; a slow one holds nothing back. SIGTERM drains: \
      running requests end, their results are committed, and the other members take over.
      Exit status: 0 drained, or done with --once; 1 stopped by a failure, or the algorithm cannot start here; 75 \
      another process has the same --instance; 78 a topic or a permission is missing, or the brokers refuse the \
      connection; 125 algo-run's own failure; 64 usage. Brokers that do not answer are waited for.
      """,
    examples: [
      ("algo-run consume demo/iris --from flowers --to species", "until a signal ends it"),
      (
        "algo-run consume demo/iris --from flowers --to species --instance $(hostname)",
        "a fixed host: restarts in a second"
      ),
      ("algo-run consume demo/iris --from flowers --to species --once", "a batch over the topic as it is now"),
      (
        "algo-run consume demo/iris --from flowers --to species --retries 3 --dead-letter flowers-failed",
        "with retries, and a topic for requests that failed for good"
      ),
    ],
    arguments: [
      Argument(
        "REF", completion: .reference, help: "OWNER/NAME (its latest version), or with /1, /1.2, /1.2.* or /1.2.0.")
    ],
    options: ConsumeOptions.options + Stopping.options + WorkerOptions.options.filter { $0.name != "drain" } + [
      SharedOptions.noHistory, SharedOptions.home,
    ],
    takesCommandLine: true)

  static func run(_ invocation: Invocation) throws -> Int32 {
    let options = try ConsumeOptions(invocation)
    // A commit frees the blocks of all its records.
    Allocator.mergeImmediately()
    let (loop, supervisor) = try ExecCommand.supervision()
    let context = try RunContext.find(invocation, reference: options.reference, runsWithoutState: false)
    guard let version = try options.worker.applied(to: context.version), let home = context.home else {
      throw CommandError(exitCode: 125, sentence: "there is no home directory; name one with --home.")
    }
    var settings = try options.settings(for: version)
    let connection = try options.connection(context.connection)
    let slot = try takeSlot(&settings, options, home: home)

    let clients = try clients(settings, connection)
    let question = StartQuestion(
      topic: settings.group.topic, results: options.results, deadLetters: options.deadLetters,
      asksForEnds: settings.endsAtEnd, connection: connection, route: options.route(of: version, context.connection))
    guard
      let answer = try ExecCommand.ownFailure({
        try StartWait.value(on: loop, supervisor) { question.answer(clients.consumer) }
      })
    else { return ended(.endedEarly) }
    let start: StartQuestion.Start
    do throws(StartCheck.Problem) {
      start = try answer.get()
    } catch {
      throw CommandError(exitCode: 78, sentence: error.sentence)
    }
    if case .outbox(let place) = start.route {
      Message.print("payloads go to \(place) by the outbox, at least once: they are not part of the transactions.")
    }
    let executor = context.executor(
      of: settings.target, worker: version.worker, slots: settings.jobs, limits: settings.limits,
      spillDirectory: settings.spillDirectory, by: supervisor)
    let payloads: (any PayloadQueue)? =
      if case .outbox = start.route { try context.payloadQueue(waking: loop) } else { nil }
    let history = HistoryWriter.of(invocation, home: home, importing: .idle)
    let run = try ExecCommand.ownFailure {
      try ConsumeRun(
        settings: settings, connection: clients.settings, consumer: clients.consumer, plan: start.plan,
        ends: start.ends, loop: loop, supervisor: supervisor, executor: executor, payloads: payloads,
        progress: options.progress, journalPath: slot.journalPath)
    }
    run.history = history
    if let address = options.metrics {
      let bound = try ExecCommand.ownFailure { try run.serveMetrics(at: address) }
      Message.print("figures for Prometheus at http://\(bound)/metrics.")
    }
    let end = run.run()
    payloads?.close()
    history?.close()
    executor.printLateMetrics()
    return ended(end)
  }

  private static func ended(_ end: ConsumeEnd) -> Int32 {
    if let sentence = end.sentence { Message.print(sentence) }
    return end.status
  }

  /// Names the member's transactions.
  private static func takeSlot(
    _ settings: inout ConsumeSettings, _ options: ConsumeOptions, home: HomeDirectory
  ) throws -> SlotHolder {
    let group = settings.group.group
    let holder = SlotHolder(group: group, instance: settings.group.instance, home: home)
    let suffix: String
    if let instance = settings.group.instance {
      suffix = instance
    } else {
      let slot = try MemberSlot.lowest(group: group, in: home)
      holder.slot = slot
      suffix = "\(MemberSlot.hash(ofHome: home, machine: MemberSlot.machine))-\(slot.name)"
    }
    if options.isExactlyOnce { settings.group.transactionalID = "algo-run-\(group)-\(suffix)" }
    return holder
  }

  private static func clients(
    _ settings: ConsumeSettings, _ connection: Connection
  ) throws -> (settings: ProducerSettings, consumer: GroupConsumer) {
    do throws(KafkaError) {
      let clients = try ProducerSettings(connection, traffic: .many)
      return (clients, try GroupConsumer(clients, settings.group))
    } catch {
      throw CommandError(exitCode: 78, sentence: "settings: \(Remedy.sentence(error)).")
    }
  }
}

/// The questions of a member to the brokers before it joins its group.
private struct StartQuestion: Sendable {
  /// The answers.
  struct Start: Sendable {
    var plan: OutputPlan
    var ends: [Int32: Int64] = [:]
    var route: PayloadRoute
  }

  let topic: String
  let results: String?
  let deadLetters: String?
  let asksForEnds: Bool
  let connection: Connection
  let route: PayloadRoute

  /// Waits for brokers.
  func answer(_ consumer: GroupConsumer) -> Result<Start, StartCheck.Problem> {
    let check = StartCheck(consumer, topic: topic, connection) { Message.print($0) }
    do throws(StartCheck.Problem) {
      var start = Start(plan: try check.plan(), route: route)
      if case .connection(let own) = route {
        start.route =
          check.isOfSameCluster(own, as: start.plan)
          ? .topic(own.topic) : .outbox("topic \(own.topic) of the connection")
      }
      let insights: String? = if case .topic(let name) = start.route { name } else { nil }
      try check.add(results: results, insights: insights, deadLetters: deadLetters, to: &start.plan)
      if asksForEnds { start.ends = try check.ends(partitions: start.plan.inputPartitions) }
      check.finish()
      return .success(start)
    } catch {
      return .failure(error)
    }
  }
}

/// Where payloads go.
enum PayloadRoute: Sendable {
  /// Insights is off.
  case none
  /// To a topic of the same cluster, in the transaction.
  case topic(String)
  /// To the topic of this connection: in the transaction if its brokers are those of the requests, else by the outbox.
  case connection(Connection)
  /// By the outbox to this place.
  case outbox(String)
}

/// Holds the slot of a member; that of an instance may be held by a predecessor for a moment.
private final class SlotHolder {
  var slot: MemberSlot?
  private let group: String
  private let instance: String?
  private let home: HomeDirectory

  init(group: String, instance: String?, home: HomeDirectory) {
    self.group = group
    self.instance = instance
    self.home = home
  }

  func journalPath() -> String? {
    if slot == nil, let instance { slot = try? MemberSlot.ofInstance(instance, group: group, in: home) }
    return slot?.journalPath
  }
}
