internal import CProcessLaunch
internal import Glibc
internal import Platform
public import RunModel

/// One launched child: the only place where its pid lives. ``Supervisor`` moves it from state to state.
public final class Child {
  /// Where a child is on its way.
  enum State: Equatable {
    case running
    /// Its leader was reaped; killed members of its group are still being reaped, until the deadline at most.
    case sweeping(until: MonotonicInstant)
    case ended
  }

  /// Where its stop sequence is.
  enum Stopping: Equatable {
    case no
    case signalled(killAt: MonotonicInstant)
    case killed
  }

  let pid: Int32
  let plan: LaunchPlan
  /// When it was launched, by the wall clock.
  public let launchedAt: Timestamp
  let startedAt: MonotonicInstant
  var state = State.running
  var stopping = Stopping.no
  /// How long it was stopped together with the supervisor: its time limit waits meanwhile.
  private var paused = Duration.zero
  private var sentSignals: Set<Int32> = []
  var channels: [CaptureChannel]
  var memory: PeakMemory
  /// Whether its time limit ended it.
  public internal(set) var timedOut = false
  /// How it ended; meaningful once it has.
  public internal(set) var termination = Termination.exited(code: 0)
  /// What it used; meaningful once it has ended.
  public internal(set) var usage = ResourceUsage.none
  /// Wall time from launch to exit; meaningful once it has ended.
  public internal(set) var duration = Duration.zero

  init(
    _ launched: launched_child, plan: LaunchPlan, launchedAt: Timestamp, startedAt: MonotonicInstant,
    channels: [CaptureChannel]
  ) {
    pid = launched.pid
    self.plan = plan
    self.launchedAt = launchedAt
    self.startedAt = startedAt
    self.channels = channels
    memory = PeakMemory(floor: launched.floor_kilobytes, launchedAt: startedAt)
  }

  /// Whether all is over: exited, its group gone, its captures read to the end.
  public var hasEnded: Bool { state == .ended }

  /// Sends a signal to the whole group, and to its leader if that has left the group. While the leader is unreaped, no
  /// other process can have its number.
  public func signal(_ number: Int32) {
    guard state == .running else { return }
    sentSignals.insert(number)
    kill(-pid, number)
    if getpgid(pid) != pid { kill(pid, number) }
  }

  /// Whether the signal was ever sent by ``signal(_:)``.
  func wasSent(_ number: Int32) -> Bool { sentSignals.contains(number) }

  /// Begins the stop sequence: the plan's signal, and SIGKILL after its grace. A second call changes nothing.
  public func stop() {
    guard stopping == .no, state == .running else { return }
    signal(plan.stopSignal)
    // A stopped process acts on no signal but SIGKILL until it is continued.
    signal(SIGCONT)
    stopping = .signalled(killAt: .now() + plan.grace)
  }

  /// Ends the whole group at once.
  public func killNow() {
    signal(SIGKILL)
    stopping = .killed
  }

  /// The next moment at which something is to be done about it; nil for never.
  var nextDeadline: MonotonicInstant? {
    switch state {
    case .ended: return nil
    case .sweeping(let until): return until
    case .running:
      var next = memory.nextSample
      if case .signalled(let killAt) = stopping { next = min(next, killAt) }
      if stopping == .no, let end = timeLimitEnd { next = min(next, end) }
      return next
    }
  }

  private var timeLimitEnd: MonotonicInstant? { plan.timeLimit.map { startedAt + $0 + paused } }

  /// Moves its limits by a time for which it was stopped: a user who stops a job for lunch wants it to go on afterwards.
  func extendLimits(by pause: Duration) {
    paused += pause
    if case .signalled(let killAt) = stopping { stopping = .signalled(killAt: killAt + pause) }
  }

  /// Whether it runs beyond its time limit and was not yet asked to stop.
  func isLate(at now: MonotonicInstant) -> Bool {
    guard state == .running, stopping == .no, let end = timeLimitEnd else { return false }
    return now >= end
  }

  /// Does what is due.
  func act(at now: MonotonicInstant) {
    guard state == .running else { return }
    if isLate(at: now) {
      timedOut = true
      stop()
    }
    if case .signalled(let killAt) = stopping, now >= killAt { killNow() }
    if now >= memory.nextSample { memory.sample(pid: pid, now: now) }
  }

  /// Reaps the leader. Its group was killed while it was still a zombie, so that the group's number could not have
  /// been given to anybody else.
  func reap(_ change: child_change, at now: MonotonicInstant) {
    duration = now.duration(since: startedAt)
    termination =
      change.code == CLD_EXITED ? .exited(code: change.status) : .signaled(number: change.status)
    var reading = child_usage()
    guard unsafe reap_child(pid, &reading) == 0 else { return }
    usage = ResourceUsage(
      userTime: .microseconds(reading.user_microseconds), systemTime: .microseconds(reading.system_microseconds),
      peakMemoryBytes: memory.bytes(kernelReading: reading.peak_kilobytes))
  }
}

/// The reading end of one captured descriptor.
@safe
final class CaptureChannel {
  let reader: Descriptor
  /// What the supervisor's set knows it by.
  var key: UInt64 = 0
  private let receive: (UnsafeRawBufferPointer) -> Void

  init(reader: Descriptor, receive: @escaping (UnsafeRawBufferPointer) -> Void) {
    self.reader = reader
    unsafe self.receive = receive
  }

  /// Reads what is there, at most `limit` pieces of the buffer's size so that one flooding child does not starve the
  /// others. False at the end of the stream.
  func drain(using buffer: UnsafeMutableRawBufferPointer, limit: Int) -> Bool {
    for _ in 0..<limit {
      switch unsafe reader.read(into: buffer) {
      case .bytes(let count): unsafe receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      case .nothingNow: return true
      case .endOfFile, .failed: return false
      }
    }
    return true
  }
}
