// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import Execution
internal import HTTPService
internal import Platform
internal import RequestDispatch
internal import RunModel

/// Carries out calls: admission, execution, payload, answer.
///
///     submit ─► Dispatcher ─► record ─► payload durable ─► answer
///
/// The answer waits until the payload is durable, and never for a broker.
final class CallService {
  /// How long the result of a call can be fetched after its end.
  private static let retention = Duration.seconds(3600)
  private static let standardLimit = Duration.seconds(300)

  private let dispatcher: Dispatcher
  private let payloads: any PayloadQueue
  private let settings: ServerSettings
  private let history: (any ExecutionLog)?
  private var calls: [String: Call] = [:]
  private var callOfJob: [JobID: Call] = [:]
  private var callOfTicket: [UInt64: Call] = [:]
  /// Ended calls, oldest first.
  private var ended: [Call] = []
  private(set) var isDraining = false
  var metrics = CallMetrics()

  init(
    _ executor: any Executor, payloads: any PayloadQueue, history: (any ExecutionLog)?, settings: ServerSettings
  ) {
    dispatcher = Dispatcher(executor: executor, queueLimit: settings.queue)
    self.payloads = payloads
    self.history = history
    self.settings = settings
  }

  /// Whether a call that comes now is carried out.
  var hasRoom: Bool { dispatcher.hasRoom }
  var running: Int { dispatcher.runningCount }
  var queued: Int { dispatcher.queuedCount }
  var nextDue: MonotonicInstant? { dispatcher.nextDue }
  /// Whether all calls have their answers.
  var isIdle: Bool { dispatcher.isIdle && callOfTicket.isEmpty }

  /// What became of payloads.
  var delivery: DeliveryFigures { (payloads as? DeliveryThread)?.figures ?? DeliveryFigures() }

  func call(_ id: String) -> Call? { calls[id] }

  /// The calls that have not ended, in the order in which they start.
  var unended: [Call] { callOfJob.values.sorted { $0.submittedAt < $1.submittedAt } }

  /// Starts the execution of a call, or lets it wait.
  func submit(_ call: Call, input: RequestBody, trace: TraceContext?) {
    calls[call.id] = call
    var limits = RunLimits()
    limits.grace = settings.grace
    let own = settings.timeLimit.map { min($0, call.version.timeLimit ?? $0) } ?? call.version.timeLimit
    let limit = min(own ?? Self.standardLimit, call.parameters.limit ?? own ?? Self.standardLimit)
    var request = ExecutionRequest(
      id: call.id, target: ExecutionTarget(version: call.version), limits: limits, trace: trace)
    request.input = input.file.map { .file($0) } ?? .bytes(input.bytes)
    let job = dispatcher.submit(request, output: call.output, deadline: .now() + limit)
    call.job = job
    callOfJob[job] = call
  }

  /// Ends a call that runs or waits.
  func cancel(_ call: Call) {
    if let job = call.job, !call.hasEnded { dispatcher.stop(job) }
  }

  /// Does all that is due. The owner calls it after each turn of the loop.
  func advance() {
    for completion in dispatcher.takeCompletions() {
      guard let call = callOfJob.removeValue(forKey: completion.id) else { continue }
      switch completion.result {
      case .ended(let record): finish(call, record)
      case .expired: finish(call, .expired)
      case .canceled: finish(call, .canceled)
      }
    }
    for payload in payloads.takeDurable() {
      guard let call = callOfTicket.removeValue(forKey: payload.ticket), case .ended(var record) = call.state else {
        continue
      }
      record.delivery = payload.delivery
      finish(call, .ended(record))
    }
    forgetOldCalls()
  }

  /// Starts no further call.
  func drain() { isDraining = true }

  /// Ends what runs and answers what waits.
  func stop() { dispatcher.stop() }

  private func finish(_ call: Call, _ record: ExecutionRecord) {
    call.state = .ended(record)
    metrics.count(record, queued: .zero)
    guard let insights = record.insightsRecord else { return finish(call, call.state) }
    callOfTicket[payloads.enqueue(insights)] = call
  }

  private func finish(_ call: Call, _ state: Call.State) {
    call.state = state
    call.endedAt = .now()
    if case .ended(let record) = state { history?.append(record, inputSHA256: nil) }
    ended.append(call)
    if let exchange = call.exchange.take() { exchange.respond(call.answer) }
    let description = call.description(now: .now())
    for exchange in call.waiting { exchange.respond(description) }
    call.waiting = []
  }

  private func forgetOldCalls() {
    let limit = MonotonicInstant.now() - Self.retention
    let old = ended.prefix { ($0.endedAt ?? limit) < limit }
    guard !old.isEmpty else { return }
    for call in old { calls[call.id] = nil }
    ended.removeFirst(old.count)
  }
}
