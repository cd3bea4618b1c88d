// SPDX-License-Identifier: Apache-2.0
internal import CProcessLaunch
internal import Glibc
public import Platform
internal import RunModel

/// Launches children and watches them to their end, in the turns of the main thread's event loop. It keeps results; its
/// owner takes them after each turn.
///
/// ## Theory of operation
///
/// A child leads its own process group. It is forked and executed from the main thread, which lives as long
/// as the process does, because the kernel ties "die with your parent" to the *thread* that forked. Signals are
/// blocked and read from a descriptor, so nothing here ever runs in a handler.
///
/// An end goes in this order, and no other:
/// 1. SIGCHLD reports that a child ended; `waitid` with WNOWAIT returns which, and leaves the zombie.
/// 2. The group is killed *while the leader is a zombie*: no other group can have its number.
/// 3. The guardian forgets the group.
/// 4. The leader is reaped, with its usage.
/// 5. As a subreaper this process inherits the killed members and reaps them too; only then is the group gone.
/// 6. The bytes that are there now are read from its pipes, and these closed: a descendant that escaped to another
///    group and still holds one delays nothing.
@safe
public final class Supervisor: EventHandler {
  /// Its turns do the work.
  public let loop: EventLoop
  private let signals: SignalQueue
  private var registration: Registration?
  /// The newest last. A list: a dictionary costs each `exec` a search for the conformance of its keys.
  private var children: [Child] = []
  /// Those whose leader was reaped, and whose group may not be gone.
  private var reapingGroups: [Child] = []
  private var receivedSignals: [ReceivedSignal] = []
  private var guardian: Guardian?
  /// Of the child that shares the terminal.
  private var jobControl: JobControl?
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

  /// Blocks the signals that it handles, for the whole process, and becomes a subreaper. Create one, on the main
  /// thread, before any other thread exists.
  ///
  /// - Throws: the system's error if it has no descriptor left.
  public init(on loop: EventLoop) throws(SystemError) {
    // Before anything is opened that could take one of these numbers.
    let code = occupy_standard_descriptors()
    guard code == 0 else { throw SystemError(code) }
    self.loop = loop
    signals = try SignalQueue()
    // If a sandbox forbids it, killed orphans are reaped by init instead.
    _ = become_subreaper()
    registration = try loop.register(signals.descriptor, .read, self)
  }

  deinit {
    for child in children { child.killNow() }
    unsafe buffer.deallocate()
  }

  /// Launches one child.
  ///
  /// - Throws: why it never ran; nothing is left of the attempt.
  public func launch(_ configuration: SpawnConfiguration) throws(LaunchFailure) -> Child {
    // Before the child: killed in between, this process would leave processes that the child started in that time.
    if guardian == nil { guardian = Guardian() }
    var writers: [(descriptor: Int32, writer: Descriptor)] = []
    var readers: [OutputReader] = []
    do throws(SystemError) {
      for output in configuration.outputs {
        let (reader, writer) = try Descriptor.pipe()
        if let size = output.size { writer.enlargePipe(to: size) }
        writers.append((output.descriptor, writer))
        readers.append(unsafe try OutputReader(reader, of: output, on: loop, buffer: buffer))
      }
    } catch {
      throw .system(error)
    }
    writers += configuration.passed.map { ($0.descriptor, $0.source) }
    // Before the fork: a stop request that comes after it is for the child, too.
    if configuration.sharesTerminal { watchStopRequests() }

    let launchedAt = WallClock.now()
    let startedAt = MonotonicInstant.now()
    let launched = try ChildLaunch(configuration: configuration, writers: writers, isGuarded: guardian != nil).run()
    // The supervisor's copies are closed before anything else: a pipe ends only when no writer is left.
    for entry in writers { entry.writer.close() }
    configuration.standardInput?.close()
    let child = Child(
      launched, by: self, on: loop, configuration, launchedAt: launchedAt, startedAt: startedAt, readers: readers)
    if configuration.sharesTerminal { jobControl = JobControl(child: child, on: loop) }
    children.append(child)
    return child
  }

  /// Watches a process that a child of this one forked and left to this subreaper: its end is reported to
  /// `configuration.watcher`, with its own status and usage. SIGCONT reports to the process that it is watched.
  ///
  /// - Returns: nil unless it is a child of this process that leads a group of its own and is not watched yet.
  public func adopt(_ pid: Int32, _ configuration: SpawnConfiguration) -> Child? {
    guard self.child(pid) == nil, is_leading_child(pid) else { return nil }
    if guardian != nil { guardian_enter(pid) }
    let child = Child(
      launched_child(pid: pid, failed_stage: 0, floor_kilobytes: 0), by: self, on: loop, configuration,
      launchedAt: WallClock.now(), startedAt: .now(), readers: [])
    children.append(child)
    child.signal(SIGCONT)
    return child
  }

  /// Lets this process open up to `wanted` files, as far as the hard limit allows. Its children keep their limit.
  ///
  /// - Returns: How many it may open now.
  public func raiseFileLimit(to wanted: Int) -> Int { Int(clamping: raise_file_limit(Int64(clamping: wanted))) }

  /// No further child will follow: dismisses the guardian, and lets stop requests act on this process again.
  public func dismissGuardian() {
    guard children.isEmpty else { return }
    guardian?.dismiss()
    signals.ignoreStopRequests()
  }

  // MARK: After a turn

  /// The children that have ended since the last call, except those with a watcher, which is called. Their owner calls
  /// it after each turn of the loop.
  public func takeEndedChildren() -> [(child: Child, exit: ChildExit)] {
    guard !reapingGroups.isEmpty else { return [] }
    let now = MonotonicInstant.now()
    var ended: [(child: Child, exit: ChildExit)] = []
    reapingGroups.removeAll { child in
      guard let exit = child.finishIfGroupIsGone(at: now) else { return false }
      children.removeAll { $0 === child }
      if jobControl?.child === child {
        jobControl?.childEnded(exit)
        jobControl = nil
      }
      ended.append((child, exit))
      return true
    }
    // Last: a watcher may launch the next child.
    for (child, exit) in ended { child.configuration.watcher?.ended(child, exit) }
    return ended.filter { $0.child.configuration.watcher == nil }
  }

  /// The signals since the last call that are not the supervisor's own affair: INT, TERM, HUP, QUIT, USR1, USR2 and
  /// WINCH; after ``watchStopRequests()`` also TSTP, TTIN and TTOU. Their owner calls it after each turn of the loop.
  public func takeSignals() -> [ReceivedSignal] {
    guard !receivedSignals.isEmpty else { return [] }
    defer { receivedSignals = [] }
    return receivedSignals
  }

  /// A SIGINT or SIGQUIT from a key of the terminal that came after the last turn and is still pending.
  public func pendingInterrupt() -> Int32? {
    while let signal = signals.next() {
      if signal.isFromTerminal, signal.number == SIGINT || signal.number == SIGQUIT { return signal.number }
    }
    return nil
  }

  /// Reports Ctrl-Z as signal TSTP, and SIGTTIN and SIGTTOU as well, for the owner of children that do not share the
  /// terminal: they are to be answered with ``stopWithChildren(by:)``.
  public func watchStopRequests() { signals.watchStopRequests() }

  /// Stops the children and then this process by `signal`, a reported stop request; returns once the shell has
  /// continued it, and the children continue.
  public func stopWithChildren(by signal: Int32) {
    for child in children { child.signal(SIGSTOP) }
    let pause = JobControl.stopProcess(by: signal, wholeJob: false)
    for child in children {
      child.extendLimits(by: pause ?? .zero)
      child.signal(SIGCONT)
    }
  }

  /// Ends this process by `signal`, without a core dump, so that its parent sees how the child ended: shells, `make`
  /// and `xargs` stop at a child that Ctrl-C ended. Returns if the signal cannot end it.
  public static func endProcess(by signal: Int32) { end_by_signal(signal) }

  // MARK: Inside a turn

  /// Takes pending signals.
  public func ready(_ registration: Registration, for events: Interest) {
    var childChanged = false
    while let signal = signals.next() {
      switch (signal.number, jobControl) {
      case (SIGCHLD, _): childChanged = true
      case (SIGCONT, let job): job?.continued()
      case (SIGTSTP, let job?), (SIGTTIN, let job?), (SIGTTOU, let job?): job.stopRequested(by: signal.number)
      default: receivedSignals.append(signal)
      }
    }
    guard childChanged else { return }
    reapEndedChildren()
    var change = child_change()
    while unsafe take_stopped_child(&change) == 0, change.pid != 0 {
      if change.pid == jobControl?.child.pid { jobControl?.childStopped(by: change.status) }
    }
  }

  private func child(_ pid: Int32) -> Child? { children.last { $0.pid == pid } }

  /// Reaps the leaders and adopted orphans that have ended by now.
  func reapEndedChildren() {
    let now = MonotonicInstant.now()
    var change = child_change()
    while unsafe peek_ended_child(&change) == 0, change.pid != 0 {
      if child(change.pid) == nil {
        // A worker may have announced this process in bytes that are not yet read.
        for child in children { child.configuration.watcher?.orphanEnded() }
      }
      guard let child = child(change.pid), case .running = child.state else {
        // An orphan, or the guardian.
        var usage = child_usage()
        guard unsafe reap_child(change.pid, &usage) == 0 else { break }
        guardian?.wasReaped(change.pid)
        continue
      }
      if !child.configuration.keepsDescendants { kill(-child.pid, SIGKILL) }
      guardian?.forget(child.pid)
      child.reapLeader(change, at: now)
      reapingGroups.append(child)
    }
  }
}
