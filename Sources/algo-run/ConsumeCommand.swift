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
      another process has the same --instance; 78 no broker answers at the start, or a topic or a permission is missing; \
      125 algo-run's own failure; 64 usage.
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
    let route = try options.route(of: version, context.connection, clients.consumer)
    let (plan, ends) = try check(clients.consumer, settings, options, route, connection)
    if case .outbox(let place) = route {
      Message.print("payloads go to \(place) by the outbox, at least once: they are not part of the transactions.")
    }
    let executor = context.executor(
      of: settings.target, worker: version.worker, slots: settings.jobs, limits: settings.limits,
      spillDirectory: settings.spillDirectory, by: supervisor)
    let payloads: (any PayloadQueue)? =
      if case .outbox = route { try context.payloadQueue(waking: loop) } else { nil }
    let history = HistoryWriter.of(invocation, home: home, importing: .idle)
    let run = try ExecCommand.ownFailure {
      try ConsumeRun(
        settings: settings, connection: clients.settings, consumer: clients.consumer, plan: plan, ends: ends,
        loop: loop, supervisor: supervisor, executor: executor, payloads: payloads, progress: options.progress,
        journalPath: slot.journalPath)
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

  private static func check(
    _ consumer: GroupConsumer, _ settings: ConsumeSettings, _ options: ConsumeOptions, _ route: PayloadRoute,
    _ connection: Connection
  ) throws -> (OutputPlan, [Int32: Int64]) {
    let check = StartCheck(consumer, topic: settings.group.topic)
    do throws(StartCheck.Problem) {
      let insights: String? = if case .topic(let name) = route { name } else { nil }
      let plan = try check.plan(results: options.results, insights: insights, deadLetters: options.deadLetters)
      if let topic = options.deadLetters, let warning = check.warning(ofDeadLetters: topic) { Message.print(warning) }
      return (plan, settings.endsAtEnd ? try check.ends(partitions: plan.inputPartitions) : [:])
    } catch {
      switch error {
      case .unusable(let sentence): throw CommandError(exitCode: 78, sentence: sentence)
      case .unanswered(let cause): throw CommandError(exitCode: 78, sentence: diagnosis(of: connection, cause))
      }
    }
  }

  /// The first stage of a connection test that fails.
  private static func diagnosis(of connection: Connection, _ cause: KafkaCause) -> String {
    var sentence = "metadata: \(cause.text); try again, or see `algo-run connection test`."
    _ = ConnectionTest(connection).run(through: .metadata) { result in
      if case .failed(let cause, let hint, _) = result.verdict { sentence = "\(result.stage.rawValue): \(cause). \(hint)" }
    }
    return sentence
  }
}

/// Where payloads go.
enum PayloadRoute {
  /// Insights is off.
  case none
  /// To a topic of the same cluster, in the transaction.
  case topic(String)
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
