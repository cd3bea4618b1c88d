// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import RunModel
package import StateStore

/// The outbox of a home as deliverers need it: opened at the first use, and if it cannot be, payloads go to the
/// fallback file beside it, from where they are taken in later. A damaged database never stops an algorithm. For one
/// thread at a time.
package final class OutboxAccess {
  private let home: HomeDirectory
  private let fallback: FallbackFile
  private let isForMany: Bool
  let isVerified: Bool
  private let lockWait: Duration
  private weak var surroundings: (any OutboxSurroundings)?
  private var lockDeadline: MonotonicInstant?
  private var outbox: Outbox?
  private var owner: ClaimOwner?
  private var failure: StateError?
  private var notices: [DeliveryNotice] = []

  /// - Parameters:
  ///   - isForMany: whether thousands of records are stored and removed.
  ///   - isVerified: whether the version of the payloads is known to have Insights on. If not, because the state cannot
  ///     be read, all go to the fallback file, and that is looked up when they are taken in.
  ///   - lockWait: how long a lock of another process is waited for, each time.
  ///   - surroundings: those of a simulation.
  package init(
    home: HomeDirectory, isForMany: Bool, isVerified: Bool = true, lockWait: Duration = .seconds(10),
    surroundings: (any OutboxSurroundings)? = nil
  ) {
    self.surroundings = surroundings
    self.home = home
    self.isForMany = isForMany
    self.isVerified = isVerified
    fallback = FallbackFile(home: home)
    self.lockWait = lockWait
  }

  /// Lets all waits for locks of other processes, taken together, end at `deadline`.
  func waitForLocks(until deadline: MonotonicInstant) {
    lockDeadline = deadline
    outbox?.lockDeadline = deadline
  }

  private var lockWaitNow: Duration {
    lockDeadline.map { min(lockWait, max($0 - .now(), Outbox.momentaryLock)) } ?? lockWait
  }

  /// The outbox, made if it is missing. A damaged one is set aside for a new one.
  ///
  /// - Throws: why it cannot be opened. Unless that is the lock of another process, it is not tried again.
  package func open() throws(StateError) -> Outbox {
    if let outbox { return outbox }
    guard isVerified else { throw .corrupt(path: home.stateDatabase) }
    if let failure, !failure.isLock { throw failure }
    try surroundings?.willAccess()
    do throws(StateError) {
      return adopt(try Outbox(home: home, busyTimeout: lockWaitNow) { [unowned self] in note(.outboxRecovered($0)) })
    } catch {
      failure = error
      throw error
    }
  }

  /// The outbox if the home has one, or needs one to take in a fallback file.
  func existing() throws(StateError) -> Outbox? {
    if let outbox { return outbox }
    guard isVerified else { return nil }
    if hasFallback { return try open() }
    return try Outbox.existing(home: home, busyTimeout: lockWaitNow) { [unowned self] in note(.outboxRecovered($0)) }
      .map(adopt)
  }

  private func adopt(_ opened: Outbox) -> Outbox {
    opened.lockDeadline = lockDeadline
    opened.surroundings = surroundings
    if isForMany { try? opened.useLongLog() }
    outbox = opened
    return opened
  }

  /// Whether payloads in fallback files are to be taken in.
  var hasFallback: Bool { FallbackFile.exists(in: home) }

  /// Whether there is a token by now. It is a file of its own.
  var hasClaimOwner: Bool { owner != nil }

  /// The token that this process claims records with.
  func claimOwner() throws(StateError) -> ClaimOwner {
    if let owner { return owner }
    let made = try ClaimOwner(home: home)
    owner = made
    return made
  }

  /// Moves a log that has grown long into the database, so that the next process to open it need not read it.
  func shortenLog() { if isForMany { try? outbox?.shortenLog() } }

  func note(_ notice: DeliveryNotice) { notices.append(notice) }

  /// Messages about the outbox since the last call.
  func takeNotices() -> [DeliveryNotice] {
    defer { notices = [] }
    return notices
  }

  /// Puts payloads that the outbox does not take where they are taken in later.
  ///
  /// - Parameter problem: why they were not delivered before, if the destination was the reason.
  func keepAside(_ entries: [OutboxEntry], because error: StateError, after problem: DestinationProblem?) -> Delivery {
    let reason = problem.map { "\($0). The outbox does not take it either: \(error)" } ?? "\(error)"
    do throws(StateError) {
      try fallback.append(entries, isVerified: isVerified)
      guard isVerified else {
        return Delivery(.queued, detail: "in \(fallback.path), to be delivered if its version has Insights on")
      }
      note(.keptAside(path: fallback.path, error, after: problem))
      return Delivery(.queued, detail: "in \(fallback.path) until the outbox can be used: \(reason)")
    } catch let second {
      guard isVerified else {
        note(.lost(second, after: nil, nil))
        return Delivery(.rejected, detail: "\(second)")
      }
      note(.lost(error, after: problem, second))
      return Delivery(.rejected, detail: "\(reason). \(second)")
    }
  }
}
