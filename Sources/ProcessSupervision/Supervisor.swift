internal import CProcessLaunch
internal import Glibc
public import Platform
internal import RunModel

/// Launches children and watches them to their end. Single-owner: everything happens on the main thread, in
/// ``turn(until:)``.
///
/// ## Theory of operation
///
/// A child leads its own process group. It is forked and executed from the main thread, which lives as long
/// as the process does, because the kernel ties "die with your parent" to the *thread* that forked. Signals are
/// blocked and read from a descriptor, so nothing here ever runs in a handler.
///
/// An end goes in this order, and no other:
/// 1. SIGCHLD says that somebody ended; `waitid` with WNOWAIT says who, and leaves the zombie.
/// 2. The group is killed *while the leader is a zombie*: its number cannot have been given away.
/// 3. The guardian is told to forget the group.
/// 4. The leader is reaped, with its usage.
/// 5. As a subreaper this process inherits the killed members and reaps them too; only then is the group gone.
/// 6. Captures are read to what is there now, and closed: a descendant that escaped to another group and still holds
///    one delays nothing.
@safe
public final class Supervisor {
  /// What a turn tells its caller.
  public enum Event {
    /// All is over for this child.
    case ended(Child)
    /// A signal came for the supervisor: one of INT, TERM, HUP, QUIT, USR1, USR2, WINCH; after ``watchStopRequests()`` also
    /// TSTP, TTIN and TTOU. `fromTerminal`: a key was pressed, or the window changed.
    case signal(Int32, fromTerminal: Bool)
    /// A watched descriptor can be read.
    case readable(WatchToken)
  }

  /// Names a descriptor that somebody else wants to hear of.
  public struct WatchToken: Hashable, Sendable { let key: UInt64 }

  /// What a descriptor in the set stands for.
  private enum Source {
    case signals
    case capture(CaptureChannel)
    case watched
  }

  private let readySet: Descriptor
  private let signals: Descriptor
  private var sources: [UInt64: Source] = [:]
  private var lastKey: UInt64 = 0
  private var children: [Int32: Child] = [:]
  private var guardian: Guardian?
  /// Of the child that shares the terminal.
  private var jobControl: JobControl?
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
  private var events: [Event] = []

  /// Blocks the signals it watches, for the whole process, and becomes a subreaper. Create one, on the main thread,
  /// before any other thread exists.
  ///
  /// - Throws: the system's error where it gives no descriptor.
  public init() throws(SystemError) {
    // Before anything is opened, here or elsewhere.
    var code = occupy_standard_descriptors()
    guard code == 0 else { throw SystemError(code) }
    var number: CInt = -1
    code = unsafe open_ready_set(&number)
    guard code == 0 else { throw SystemError(code) }
    readySet = Descriptor(owning: number)
    code = unsafe watch_signals(&number)
    guard code == 0 else { throw SystemError(code) }
    signals = Descriptor(owning: number)
    // Where a sandbox forbids it, killed orphans are reaped by init instead.
    _ = become_subreaper()
    _ = register(signals, as: .signals)
  }

  deinit {
    for child in children.values { child.killNow() }
    unsafe buffer.deallocate()
  }

  /// How many children have not ended.
  public var activeChildren: Int { children.count }

  /// Launches one child.
  ///
  /// - Throws: why it never ran; nothing is left of the attempt.
  public func launch(_ plan: LaunchPlan) throws(LaunchFailure) -> Child {
    // Before the child: killed in between, this process would leave what the child started in that time.
    if guardian == nil { guardian = Guardian() }
    var writers: [(descriptor: Int32, writer: Descriptor)] = []
    var channels: [CaptureChannel] = []
    do throws(SystemError) {
      for capture in plan.captures {
        let (reader, writer) = try Descriptor.pipe()
        writers.append((capture.descriptor, writer))
        channels.append(unsafe CaptureChannel(reader: reader, receive: capture.receive))
      }
    } catch {
      throw .system(error)
    }
    // Before the fork: a stop request that comes after it is for the child, too.
    if plan.sharesTerminal { watchStopRequests() }

    let launchedAt = WallClock.now()
    let startedAt = MonotonicInstant.now()
    let launched = try ChildLaunch(plan: plan, writers: writers, isGuarded: guardian != nil).run()
    // The supervisor's copies are closed before anything else: a capture ends only when no writer is left.
    for entry in writers { entry.writer.close() }
    if case .descriptor(let input) = plan.standardInput { input.close() }
    let child = Child(launched, plan: plan, launchedAt: launchedAt, startedAt: startedAt, channels: channels)
    if plan.sharesTerminal { jobControl = JobControl(child: child) }
    for channel in channels { channel.key = register(channel.reader, as: .capture(channel)) }
    children[child.pid] = child
    return child
  }

  /// No further child will follow: dismisses the guardian, and lets stop requests act on this process again.
  public func rest() {
    guard children.isEmpty else { return }
    guardian?.dismiss()
    signals.withNumber { ignore_stop_requests($0) }
  }

  /// Tells in later turns when `descriptor` can be read. The caller keeps it open.
  public func watch(_ descriptor: Descriptor) -> WatchToken {
    WatchToken(key: register(descriptor, as: .watched))
  }

  /// Reports Ctrl-Z as signal TSTP, and SIGTTIN and SIGTTOU as well, for the owner of children that do not share the
  /// terminal: they are to be answered with ``stopWithChildren(by:)``.
  public func watchStopRequests() { signals.withNumber { watch_stop_requests($0) } }

  /// Stops the children and then this process by `signal`, a reported stop request; returns once the shell has continued
  /// it, and the children go on.
  public func stopWithChildren(by signal: Int32) {
    for child in children.values { child.signal(SIGSTOP) }
    let pause = JobControl.stopProcess(by: signal, wholeJob: false)
    for child in children.values {
      child.extendLimits(by: pause ?? .zero)
      child.signal(SIGCONT)
    }
  }

  /// A SIGINT or SIGQUIT from a key of the terminal that came after the last turn and is still pending.
  public func pendingInterrupt() -> Int32? {
    while true {
      let signal = signals.withNumber { next_signal($0) }
      guard signal.number != 0 else { return nil }
      if signal.from_kernel, signal.number == SIGINT || signal.number == SIGQUIT { return signal.number }
    }
  }

  /// Waits until something happens or `deadline` comes, does what is to be done, and tells what the caller must know.
  public func turn(until deadline: MonotonicInstant?) -> [Event] {
    let now = MonotonicInstant.now()
    var next = deadline
    for child in children.values {
      if let own = child.nextDeadline { next = min(next ?? own, own) }
    }
    if let check = jobControl?.nextCheck { next = min(next ?? check, check) }
    waitForSources(milliseconds: next?.millisecondsAway(from: now) ?? -1)
    let afterwards = MonotonicInstant.now()
    // A child that has ended is not late, however late this process learns of its end: it may have been stopped itself.
    if children.values.contains(where: { $0.isLate(at: afterwards) }) { takeChildNews() }
    jobControl?.checkForLateStops(at: afterwards)
    for child in Array(children.values) {
      child.act(at: afterwards)
      if case .sweeping = child.state { finishIfGroupIsGone(child, at: afterwards) }
    }
    defer { events.removeAll() }
    return events
  }

  /// Ends this process by `signal`, without a core dump, so that its parent sees how the child ended: shells, `make` and
  /// `xargs` stop at a child that Ctrl-C ended. Returns if the signal cannot end it.
  public static func endProcess(by signal: Int32) { end_by_signal(signal) }

  // MARK: Waiting

  private func register(_ descriptor: Descriptor, as source: Source) -> UInt64 {
    lastKey += 1
    _ = descriptor.withNumber { number in self.readySet.withNumber { add_to_ready_set($0, number, lastKey) } }
    sources[lastKey] = source
    return lastKey
  }

  private func waitForSources(milliseconds: Int32) {
    unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 32) { ready in
      let count = readySet.withNumber { unsafe wait_for_ready_set($0, ready.baseAddress, 32, milliseconds) }
      for index in 0..<Int(count) {
        let key = unsafe ready[index]
        switch sources[key] {
        case .signals: takeSignals()
        case .capture(let channel):
          // A closed descriptor leaves the set by itself.
          if unsafe !channel.drain(using: buffer, limit: 16) {
            channel.reader.close()
            sources[key] = nil
          }
        case .watched: events.append(.readable(WatchToken(key: key)))
        case nil: break
        }
      }
    }
  }

  private func takeSignals() {
    var sawChild = false
    while true {
      let signal = signals.withNumber { next_signal($0) }
      switch (signal.number, jobControl) {
      case (0, _):
        if sawChild { takeChildNews() }
        return
      case (SIGCHLD, _): sawChild = true
      case (SIGCONT, let job): job?.continued()
      case (SIGTSTP, let job?), (SIGTTIN, let job?), (SIGTTOU, let job?): job.stopRequested(by: signal.number)
      default: events.append(.signal(signal.number, fromTerminal: signal.from_kernel))
      }
    }
  }

  // MARK: The end of a child

  private func takeChildNews() {
    let now = MonotonicInstant.now()
    var change = child_change()
    while unsafe peek_ended_child(&change) == 0, change.pid != 0 {
      guard let child = children[change.pid], child.state == .running else {
        // An adopted orphan, or the guardian.
        var usage = child_usage()
        guard unsafe reap_child(change.pid, &usage) == 0 else { break }
        guardian?.wasReaped(change.pid)
        continue
      }
      if !child.plan.keepsDescendants { kill(-child.pid, SIGKILL) }
      guardian?.forget(child.pid)
      child.reap(change, at: now)
      child.state = .sweeping(until: now + .seconds(1))
    }
    while unsafe take_stopped_child(&change) == 0, change.pid != 0 {
      if change.pid == jobControl?.child.pid { jobControl?.childStopped(by: change.status) }
    }
  }

  private func finishIfGroupIsGone(_ child: Child, at now: MonotonicInstant) {
    guard case .sweeping(let deadline) = child.state else { return }
    let groupIsGone = child.plan.keepsDescendants || kill(-child.pid, 0) != 0 && errno == ESRCH
    // A member in an uninterruptible wait (a dead network file system) cannot hold up everything else.
    guard groupIsGone || now >= deadline else { return }
    child.state = .ended
    children[child.pid] = nil
    if jobControl?.child === child {
      jobControl?.childEnded()
      jobControl = nil
    }
    // A pipe holds 1 MiB at most: so many pieces are all that the child can have left in it. A descendant that goes
    // on writing does not keep the loop here.
    for channel in child.channels {
      _ = unsafe channel.drain(using: buffer, limit: 64)
      channel.reader.close()
      sources[channel.key] = nil
    }
    child.channels = []
    events.append(.ended(child))
  }
}
