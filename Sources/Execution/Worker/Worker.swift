// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import MetricsIntake
internal import Platform
internal import ProcessSupervision
internal import RunModel

/// One worker process and its end of protocol 1. Belongs to its ``WorkerPool``, which it calls at each change of state.
///
/// ## Theory of operation
///
/// Nothing here waits: requests are written as far as the pipe takes them, and the rest when the loop reports room. The
/// result is passed on while it arrives. At the answer the pipes of output and metrics are read once more, so that all
/// that was written before the answer belongs to the request.
///
/// A request of a short time costs no registration: its metrics pipe joins the loop only if it still runs a few
/// milliseconds later, or is held after the answer.
final class Worker {
  enum State {
    case starting
    case idle
    case running(WorkerRun)
    /// Its requests have ended (end of file); it is to exit.
    case retiring
    /// It is being killed, and its request ends with it.
    case ending(WorkerRun?, Doom)
  }

  /// Why it is killed.
  enum Doom {
    case timeLimit
    case violation(String)
    case notReady(WorkerStartFailure.Reason)
    case inputLost(StartFailure)
    /// It closed its requests before it had read this one.
    case notRead
    /// It ended, or it has no request.
    case noUse
  }

  /// Time until the loop drains the metrics pipe of a request that still runs.
  private static let watchDelay = Duration.milliseconds(5)
  /// Late pipes kept; beyond that the oldest is closed.
  static let mostLatePipes = 64
  /// Time that a worker has to end once it has closed its answers.
  static let endDelay = Duration.seconds(1)
  /// CPU time of a request in which a worker cannot touch more than a few megabytes.
  static let brief = Duration.microseconds(100)
  private static let pipeSize: Int32 = 1 << 20
  static let mostMessageBytes = 8192

  unowned let pool: WorkerPool
  var state = State.starting
  var child: Child?
  /// Whether it ever was.
  var wasReady = false
  /// Requests answered.
  var answered = 0
  /// Requests after which a replacement starts.
  let quota: Int
  /// A replacement starts or has started.
  var isAging = false
  /// The replacement is ready: it takes no further request.
  var isReplaced = false
  var tail = StreamTail()
  let launchedAt = MonotonicInstant.now()

  let requests: RequestPipe
  let socket: Descriptor
  var timer: Timer?
  var number = 0
  var frames = FrameReader(verbs: [.ready, .done, .fail, .forked])
  var lines = FramedLines()
  var takesPaths = false
  var isIsolated = false
  var gauge: MemoryGauge?
  var latePipes: [RequestMetrics] = []
  var limit: MonotonicInstant?
  var hasClosedAnswers = false
  var lastType: String?
  /// Memory when it was last read; nil if it is unknown.
  var lastResident: Int64?
  /// CPU time since then.
  var timeSinceReading = Duration.zero
  /// Whether the kernel's peak may be one of an earlier request.
  var hasOldPeak = true

  /// Launches it.
  init(of pool: WorkerPool, _ configuration: SpawnConfiguration, quota: Int) throws(LaunchFailure) {
    self.pool = pool
    self.quota = quota
    var configuration = configuration
    do throws(SystemError) {
      let (reader, writer) = try Descriptor.pipe()
      // The child's end of a pipe waits, as any program expects; this one never does.
      reader.setBlocking()
      writer.setNonBlocking()
      writer.enlargePipe(to: Self.pipeSize)
      let (own, other) = try Descriptor.messageSockets()
      requests = RequestPipe(writer, on: pool.loop)
      socket = own
      configuration.passed = [(4, reader), (6, other)]
      configuration.standardInput = try Descriptor.reading("/dev/null")
    } catch { throw .system(error) }
    configuration.outputs = [1, 2, 3].map { OutputPipe(descriptor: $0, to: self) }
    configuration.outputs.append(OutputPipe(descriptor: 5, to: self, size: Self.pipeSize))
    configuration.watcher = self
    let child = try pool.supervisor.launch(configuration)
    self.child = child
    gauge = child.memoryGauge
    requests.worker = self
    timer = pool.loop.schedule(self)
    setLimit(pool.settings.initTimeout)
  }

  var isStarting: Bool { if case .starting = state { true } else { false } }
  /// Whether it takes requests now or later.
  var isActive: Bool {
    switch state {
    case .starting, .idle, .running: true
    case .retiring, .ending: false
    }
  }

  // MARK: Requests

  /// Sends a request to this idle worker.
  func send(_ run: WorkerRun) {
    number += 1
    run.number = number
    run.worker = self
    let metrics: RequestMetrics
    do throws(SystemError) {
      metrics = try RequestMetrics(
        rules: pool.rules, late: pool.late, on: pool.loop, buffer: pool.buffer, pipes: pool.pipes)
    } catch {
      return pool.refused(run, .launch(.system(error)), by: self)
    }
    run.metrics = metrics
    state = .running(run)
    pool.began(run)
    var fields = [Frame.Field(key: "id", value: run.request.id)]
    if takesPaths {
      fields.append(Frame.Field(key: "metrics", value: metrics.path))
    } else {
      do throws(SystemError) { try metrics.send(on: socket) } catch {
        return error.code == EAGAIN
          ? violate("the worker takes no descriptors from its socket") : doom(run, .notRead)
      }
      fields.append(Frame.Field(key: "metrics", value: "-"))
    }
    let left = run.request.deadline.map { max(.milliseconds(1), $0 - .now()) }
    let timeLimit = [run.request.limits.timeLimit, left].compactMap(\.self).min()
    fields.append(Frame.Field(key: "timeout", value: "\(timeLimit.map { ($0.wholeMicroseconds + 999) / 1000 } ?? 0)"))
    if let trace = run.request.trace { fields.append(Frame.Field(key: "traceparent", value: trace.description)) }
    if let type = run.request.contentType { fields.append(Frame.Field(key: "type", value: type)) }
    if hasOldPeak { gauge?.resetPeak() }
    hasOldPeak = false
    run.launchedAt = WallClock.now()
    run.startedAt = .now()
    run.cpuBefore = child?.cpuTime
    run.deadline = timeLimit.map { run.startedAt + $0 }
    let watchedAt = run.startedAt + Self.watchDelay
    timer?.set(to: run.deadline.map { min($0, watchedAt) } ?? watchedAt)
    write(Frame(.run, number, length: run.input.size, fields: fields), run)
  }

  private func write(_ header: Frame, _ run: WorkerRun) {
    do throws(RequestPipe.Failure) { try requests.begin(header, run.input) } catch { failed(run, error) }
  }

  /// A request cannot be written.
  func failed(_ run: WorkerRun, _ failure: RequestPipe.Failure) {
    switch failure {
    case .readerGone: doom(run, .notRead)
    case .input(let error): doom(run, .inputLost(.temporaryFile(error)))
    }
  }

  func doom(_ run: WorkerRun?, _ doom: Doom) {
    state = .ending(run, doom)
    run?.fork?.killNow()
    child?.killNow()
  }

  func violate(_ sentence: String) {
    switch state {
    case .starting: doom(nil, .notReady(.protocolError(sentence)))
    case .running(let run): doom(run, .violation(sentence + "; it was killed."))
    case .idle:
      pool.notice("\(sentence); it was killed.")
      pool.becameUnusable(self)
      doom(nil, .noUse)
    case .retiring, .ending: break
    }
  }

  /// Signals the process of the running request.
  func signal(_ signal: Int32) {
    if case .running(let run) = state, let fork = run.fork { fork.signal(signal) } else { child?.signal(signal) }
  }

  /// Begins the stop sequence of the process of the running request.
  func stop() {
    if case .running(let run) = state, let fork = run.fork { fork.stop() } else { child?.stop() }
  }

  /// Kills the process of the running request.
  func kill() {
    if case .running(let run) = state, let fork = run.fork { fork.killNow() } else { child?.killNow() }
  }

  /// Lets it end: it takes no further request. One that is not ready is stopped.
  func retire() {
    switch state {
    case .idle:
      state = .retiring
      requests.close()
      setLimit(pool.settings.drain)
    case .starting:
      state = .ending(nil, .noUse)
      child?.stop()
    case .running: isReplaced = true
    case .retiring, .ending: break
    }
  }

  func setLimit(_ span: Duration?) {
    limit = span.map { .now() + $0 }
    timer?.set(to: limit)
  }
}
