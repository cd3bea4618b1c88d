// SPDX-License-Identifier: Apache-2.0
internal import CProcessLaunch
internal import Glibc
public import Platform
public import RunModel

/// One launched child: the only place where its pid lives. ``Supervisor`` moves it from state to state; its timer
/// begins and escalates the stop sequence.
public final class Child: TimerHandler {
  enum State {
    case running
    /// Its leader was reaped; killed members of its group are still being reaped, until the deadline at most.
    case reapingGroup(until: MonotonicInstant, ChildExit)
    case ended(ChildExit)
  }

  private enum StopSequence: Equatable {
    case notBegun
    case signalled(killAt: MonotonicInstant)
    case killed
  }

  /// Its process ID, and that of its group.
  public let pid: Int32
  let configuration: SpawnConfiguration
  /// When it was launched, by the wall clock.
  public let launchedAt: Timestamp
  private let startedAt: MonotonicInstant
  private(set) var state = State.running
  private var stopSequence = StopSequence.notBegun
  private var timedOut = false
  /// How long it was stopped together with the supervisor: its time limit waits in the meantime.
  private var paused = Duration.zero
  private var sentSignals: Set<Int32> = []
  private let readers: [OutputReader]
  private var memory: PeakMemory
  private unowned let supervisor: Supervisor
  private var timer: Timer?

  init(
    _ launched: launched_child, by supervisor: Supervisor, on loop: EventLoop, _ configuration: SpawnConfiguration,
    launchedAt: Timestamp, startedAt: MonotonicInstant, readers: [OutputReader]
  ) {
    pid = launched.pid
    self.supervisor = supervisor
    self.configuration = configuration
    self.launchedAt = launchedAt
    self.startedAt = startedAt
    self.readers = readers
    memory = PeakMemory(floor: launched.floor_kilobytes, launchedAt: startedAt)
    timer = loop.schedule(at: nextDeadline, self)
  }

  /// How it ended; nil until it has exited, its group is gone and its output is read to the end.
  public var exit: ChildExit? {
    if case .ended(let exit) = state { exit } else { nil }
  }

  private var isRunning: Bool {
    if case .running = state { true } else { false }
  }

  /// Sends a signal to the whole group, and to its leader if that has left the group. While the leader is unreaped, no
  /// other process can have its number.
  public func signal(_ number: Int32) {
    guard isRunning else { return }
    sentSignals.insert(number)
    kill(-pid, number)
    if getpgid(pid) != pid { kill(pid, number) }
  }

  /// Whether the signal was ever sent by ``signal(_:)``.
  func wasSent(_ number: Int32) -> Bool { sentSignals.contains(number) }

  /// Begins the stop sequence: the configured signal, and SIGKILL after the grace period. A second call changes
  /// nothing.
  public func stop() {
    guard stopSequence == .notBegun, isRunning else { return }
    signal(configuration.limits.stopSignal)
    // A stopped process acts on no signal but SIGKILL until it is continued.
    signal(SIGCONT)
    stopSequence = .signalled(killAt: .now() + configuration.limits.grace)
    timer?.set(to: nextDeadline)
  }

  /// Ends the whole group immediately.
  public func killNow() {
    signal(SIGKILL)
    stopSequence = .killed
  }

  /// Reads the bytes that are there now on these descriptors of the child, in a handler of another one.
  public func readOutputs(of descriptors: ClosedRange<Int32>) {
    for reader in readers where descriptors.contains(reader.number) { reader.readNow() }
  }

  /// Its resident memory now and its peak, in bytes; nil if they are unknown.
  public var memoryGauge: MemoryGauge? { isRunning ? MemoryGauge(pid: pid) : nil }

  /// CPU time since it started, in nanoseconds; nil once it has ended.
  public var cpuTime: Duration? {
    let time = process_cpu_time(pid, Int32(CPU_CLOCK_EXACT.rawValue))
    return isRunning && time >= 0 ? .nanoseconds(time) : nil
  }

  /// The part of its CPU time in user mode, from 0 to 1, as the kernel samples it.
  public var userShare: Double {
    let all = process_cpu_time(pid, Int32(CPU_CLOCK_SAMPLED.rawValue))
    let user = process_cpu_time(pid, Int32(CPU_CLOCK_SAMPLED_USER.rawValue))
    return all > 0 && user >= 0 ? min(1, Double(user) / Double(all)) : 1
  }

  // MARK: Deadlines

  private var nextDeadline: MonotonicInstant? {
    switch state {
    case .ended: return nil
    case .reapingGroup(let until, _): return until
    case .running:
      switch stopSequence {
      case .notBegun: return timeLimitEnd.map { min($0, memory.nextSample) } ?? memory.nextSample
      case .signalled(let killAt): return min(killAt, memory.nextSample)
      case .killed: return memory.nextSample
      }
    }
  }

  private var timeLimitEnd: MonotonicInstant? { configuration.limits.timeLimit.map { startedAt + $0 + paused } }

  /// Moves its limits by a time for which it was stopped: a user who stops a job for lunch wants it to continue
  /// afterwards.
  func extendLimits(by pause: Duration) {
    paused += pause
    configuration.watcher?.paused(for: pause)
    if case .signalled(let killAt) = stopSequence { stopSequence = .signalled(killAt: killAt + pause) }
    timer?.set(to: nextDeadline)
  }

  /// Begins or escalates the stop sequence, looks at the memory.
  public func fired(_ timer: Timer, at now: MonotonicInstant) {
    if stopSequence == .notBegun, let end = timeLimitEnd, now >= end {
      // A child that has ended is not late, however late this process learns of its end: it may have been stopped
      // itself.
      supervisor.reapEndedChildren()
      if isRunning {
        timedOut = true
        stop()
      }
    }
    guard isRunning else { return }
    if case .signalled(let killAt) = stopSequence, now >= killAt { killNow() }
    if now >= memory.nextSample { memory.sample(pid: pid, cpuTime: cpuTime, now: now) }
    timer.set(to: nextDeadline)
  }

  // MARK: The end

  /// Reaps the leader. Its group was killed while it was still a zombie, so that no other group could have been given
  /// its number.
  func reapLeader(_ change: child_change, at now: MonotonicInstant) {
    var reading = child_usage()
    // Its own: the reading has that of descendants as well.
    let ownTime = cpuTime
    let isReported = unsafe reap_child(pid, &reading) == 0
    let exit = ChildExit(
      termination: change.code == CLD_EXITED ? .exited(code: change.status) : .signaled(number: change.status),
      timedOut: timedOut, duration: now.duration(since: startedAt),
      usage: isReported
        ? ResourceUsage(
          userTime: .microseconds(reading.user_microseconds), systemTime: .microseconds(reading.system_microseconds),
          peakMemoryBytes: memory.bytes(kernelReading: reading.peak_kilobytes, cpuTime: ownTime)) : nil)
    state = .reapingGroup(until: now + .seconds(1), exit)
    timer?.set(to: nextDeadline)
  }

  /// Ends it if its group is gone.
  ///
  /// - Returns: How it ended; nil if members of its group are still to be reaped.
  func finishIfGroupIsGone(at now: MonotonicInstant) -> ChildExit? {
    guard case .reapingGroup(let deadline, let exit) = state else { return nil }
    let groupIsGone = configuration.keepsDescendants || kill(-pid, 0) != 0 && errno == ESRCH
    // A member in an uninterruptible wait (a dead network file system) cannot hold up everything else.
    guard groupIsGone || now >= deadline else { return nil }
    for reader in readers { reader.finish() }
    state = .ended(exit)
    timer?.cancel()
    return exit
  }
}
