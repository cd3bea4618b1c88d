// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import Execution
internal import HTTPService
internal import Platform
internal import ProcessSupervision
internal import RequestDispatch
internal import RunModel

/// Carries out calls: admission, execution, payload, answer.
///
///     submit ─► Dispatcher ─► record ─► payload durable ─► answer
///
/// The answer waits until the payload is durable, and never for a broker.
final class CallService {
  private static let standardLimit = Duration.seconds(300)
  /// Answers that leave together: at most a third of a millisecond of work.
  private static let mostGathered = 8

  private let dispatcher: Dispatcher
  private let executor: any Executor
  private let payloads: any PayloadQueue
  private let settings: ServerSettings
  private let history: (any ExecutionLog)?
  private let keyed: KeyedCalls
  private var calls: [String: Call] = [:]
  private var callOfJob: [JobID: Call] = [:]
  private var callOfTicket: [UInt64: Call] = [:]
  private var ended: EndedCalls
  private var times = CallTimes()
  private(set) var isDraining = false
  /// Goes up when a call is submitted, begins or ends.
  private(set) var changes: UInt64 = 0
  /// Answers since the last ones left.
  private var gathered = 0
  /// Whether answers are to leave only after the next ``advance()``, which is due immediately.
  private(set) var gathersAnswers = false
  var metrics = CallMetrics()

  init(
    _ executor: any Executor, payloads: any PayloadQueue, history: (any ExecutionLog)?, keyed: KeyedCalls,
    settings: ServerSettings
  ) {
    self.executor = executor
    dispatcher = Dispatcher(executor: executor, queueLimit: settings.queue)
    self.payloads = payloads
    self.history = history
    self.keyed = keyed
    ended = EndedCalls(files: settings.keptFiles, directory: settings.spillDirectory)
    self.settings = settings
  }

  /// Whether a call that comes now is carried out.
  var hasRoom: Bool { dispatcher.hasRoom }
  var running: Int { dispatcher.runningCount }
  var queued: Int { dispatcher.queuedCount }
  var nextDue: MonotonicInstant? { gathersAnswers ? .now() : dispatcher.nextDue }
  /// Whether all calls have their answers.
  var isIdle: Bool { dispatcher.isIdle && callOfTicket.isEmpty && keyed.isIdle }
  /// Seconds after which a refused caller may find a free slot.
  var retryDelay: Int { times.retryDelay(waiting: queued, jobs: settings.jobs) }

  /// Lines of metrics that came after the answer of their request.
  var lateMetrics: Int { executor.lateMetrics }

  /// The outcomes of payloads.
  var delivery: DeliveryFigures { (payloads as? DeliveryThread)?.figures ?? DeliveryFigures() }

  func call(_ id: String) -> Call? { calls[id] }

  /// The description of a call that ended a while ago; nil if only the history can know it.
  func endedCall(_ id: String) -> EncodedResult? { ended.find(id, at: .now()) }

  /// The calls that have not ended, in the order in which they start.
  var unended: [Call] { callOfJob.values.sorted { $0.submittedAt < $1.submittedAt } }

  /// Starts the execution of a call, or lets it wait.
  func submit(_ call: Call, input: RequestBody, trace: TraceContext?) {
    calls[call.id] = call
    call.service = self
    var limits = RunLimits()
    limits.stopSignal = settings.stopSignal
    limits.grace = settings.grace
    let own = settings.timeLimit.map { min($0, call.version.timeLimit ?? $0) } ?? call.version.timeLimit
    let limit = min(own ?? Self.standardLimit, call.parameters.limit ?? own ?? Self.standardLimit)
    call.timeLimit = limit
    let child = trace?.child()
    var request = ExecutionRequest(
      id: call.id, target: ExecutionTarget(version: call.version), limits: limits, trace: child)
    request.input = input.file.map { .file($0) } ?? .bytes(input.bytes)
    request.contentType = call.input.type
    request.submittedAt = call.submittedAt
    request.variables = child?.variables.map { OSString($0) } ?? []
    changes += 1
    let job = dispatcher.submit(request, output: call, deadline: .now() + limit)
    call.job = job
    callOfJob[job] = call
  }

  /// Ends a call that runs or waits.
  func cancel(_ call: Call) {
    if let job = call.job, !call.hasEnded { dispatcher.stop(job) }
  }

  /// The execution of a call began.
  func began(_ call: Call) { changes += 1 }

  /// Does all that is due. The owner calls it after each turn of the loop.
  ///
  /// While calls wait, workers have the next answers within microseconds. All that are ready one after the other leave
  /// together: their lines go into the history by one write, their clients are woken less often, and the workers get the
  /// waiting calls before all that.
  func advance() {
    let before = gathered
    for completion in dispatcher.takeCompletions() {
      guard let call = callOfJob.removeValue(forKey: completion.id) else { continue }
      switch completion.result {
      case .ended(let record): finish(call, record)
      case .expired:
        metrics.countRejection("timeout_in_queue")
        finish(call, .expired)
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
    let now = MonotonicInstant.now()
    while let call = ended.takeOldest(at: now) { calls[call.id] = nil }
    ended.trim(at: now)
    gathersAnswers = gathered > before && gathered < Self.mostGathered && queued > 0
    if !gathersAnswers { release() }
  }

  /// Answers leave after this.
  private func release() {
    gathered = 0
    history?.flush()
  }

  /// Starts no further call.
  func drain() {
    isDraining = true
    release()
  }

  /// Ends what runs and answers what waits.
  func stop() { dispatcher.stop() }

  private func finish(_ call: Call, _ record: ExecutionRecord) {
    call.state = .ended(record)
    metrics.count(record, queued: call.queueTime ?? .zero)
    if record.outcome != .failedToStart { times.add(record.duration) }
    guard var insights = record.insightsRecord else { return finish(call, call.state) }
    if let id = call.clientRequestID { insights.headers.append(InsightsRecord.Header("http_request_id", id)) }
    callOfTicket[payloads.enqueue(insights)] = call
  }

  private func finish(_ call: Call, _ state: Call.State) {
    call.state = state
    if case .ended(let record) = state { history?.gather(record, inputSHA256: call.input.digest.hexadecimal) }
    guard let claim = call.claim else { return end(call) }
    keyed.settle(call, claim) { [weak self] in self?.end(call) }
  }

  private func end(_ call: Call) {
    call.endedAt = .now()
    changes += 1
    ended.add(call)
    if let exchange = call.exchange.take() {
      exchange.respond(call.answer)
      gathered += 1
    }
    call.onEnd.take()?()
  }
}
