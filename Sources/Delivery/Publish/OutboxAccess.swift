internal import Platform
internal import RunModel
internal import StateStore

/// The outbox of a home as publishers need it: opened at the first use, and if it cannot be, payloads go to the fallback
/// file beside it, from where they are taken in later. A damaged database never stops an algorithm.
struct OutboxAccess {
  private let home: HomeDirectory
  private let fallback: FallbackFile
  private let notes = RecoveryNotes()
  private var outbox: Outbox?
  private var ownToken: DelivererToken?
  private var failure: StateError?
  private let lockWait: Duration
  private var lockDeadline: MonotonicInstant?

  /// - Parameter lockWait: how long a lock of another process is waited for, each time.
  init(home: HomeDirectory, lockWait: Duration = .seconds(10)) {
    self.home = home
    self.lockWait = lockWait
    fallback = FallbackFile(home: home)
  }

  /// Lets all waits for locks of other processes, taken together, end at `deadline`.
  mutating func waitForLocks(until deadline: MonotonicInstant) {
    lockDeadline = deadline
    outbox?.lockDeadline = deadline
  }

  private var lockWaitNow: Duration {
    lockDeadline.map { min(lockWait, max($0 - MonotonicInstant.now(), Outbox.momentaryLock)) } ?? lockWait
  }

  /// The outbox; nil if it cannot be opened, which is tried once, or if another process holds a lock on it. A damaged
  /// one is set aside for a new one.
  mutating func open() -> Outbox? {
    if case .locked = failure { failure = nil }
    guard outbox == nil, failure == nil else { return outbox }
    do throws(StateError) {
      outbox = try Outbox(home: home, busyTimeout: lockWaitNow, onRecovery: { [notes] in notes.add($0) })
      outbox?.lockDeadline = lockDeadline
    } catch {
      failure = error
    }
    return outbox
  }

  /// The outbox if the home has one or needs one to take in a fallback file; nil also if it cannot be opened.
  mutating func existing() -> Outbox? {
    if FallbackFile.exists(in: home) { return open() }
    let found = try? Outbox.existing(home: home, busyTimeout: lockWaitNow)
    found?.lockDeadline = lockDeadline
    return found
  }

  /// What is to be said of the outbox itself, once. What comes later than this is said at once, on stderr: by then
  /// whoever publishes has an algorithm's end behind it, and may be the one that does not come to ask again.
  func takeNotes() -> [String] { notes.take() }

  /// What this process claims records with.
  mutating func token() -> DelivererToken? {
    if ownToken == nil, failure == nil {
      do throws(StateError) { ownToken = try DelivererToken(home: home) } catch { failure = error }
    }
    return ownToken
  }

  /// Says once which records were found damaged.
  func report(corrupt records: [Int64], _ say: (String) -> Void) {
    guard !records.isEmpty else { return }
    let which = records.prefix(5).map { "\($0)" }.joined(separator: ", ") + (records.count > 5 ? ", …" : "")
    say(
      "\(records.count) damaged outbox record(s) were set aside (\(which)); see "
        + "`algo-run outbox list --state corrupt`")
  }

  /// Puts payloads that the outbox does not take where they can be found again, and says so in one line.
  ///
  /// - Parameter obstacle: why they were to go into the outbox at all, where something else had failed before.
  func keepAside(
    _ entries: [OutboxEntry], because error: StateError?, after obstacle: String? = nil, _ say: (String) -> Void
  ) -> Delivery {
    var reason = (error ?? failure).map { "\($0)" } ?? "the outbox cannot be opened"
    if let obstacle { reason = "\(obstacle). The outbox does not take it either: \(reason)" }
    do throws(StateError) {
      try fallback.append(entries)
      say("the payload waits in \(fallback.path) until the outbox can be used: \(reason)")
      return Delivery(.queued, detail: "in \(fallback.path) until the outbox can be used: \(reason)")
    } catch let second {
      say("the payload is lost: \(reason) Nor does the fallback file: \(second)")
      return Delivery(.rejected, detail: "\(reason) \(second)")
    }
  }
}

/// What happened to the outbox while it was too early to say so.
private final class RecoveryNotes {
  /// Nil once they are said as they come.
  private var kept: [String]? = []

  func add(_ recovery: OutboxRecovery) {
    if kept == nil { OutboxRecovery.tell(recovery) } else { kept?.append(recovery.sentence) }
  }

  func take() -> [String] {
    defer { kept = nil }
    return kept ?? []
  }
}
