// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Synchronization

/// An import of the journal on a thread of its own, as other threads see it.
public final class ImportTurn: Sendable {
  private let isCanceled = Atomic(false)
  private let hasYielded = Atomic(false)

  /// An import that has not begun.
  public init() {}

  /// Whether it leaves the processor to executions, and may not get far.
  public var givesWay: Bool { hasYielded.load(ordering: .relaxed) }

  /// Asked before each transaction: whether it continues. Other importers try again and again to get the lock; an import
  /// that gives way leaves it to them for as long as a transaction takes.
  func mayContinue() -> Bool {
    if givesWay { Thread<Void>.pause(.milliseconds(30)) }
    return !isCanceled.load(ordering: .relaxed)
  }

  /// Lets it end with the transaction that it is at.
  public func cancel() { isCanceled.store(true, ordering: .relaxed) }

  /// Gives the calling thread the lowest priority.
  func yield() {
    hasYielded.store(true, ordering: .relaxed)
    Thread<Void>.yieldToOthers()
  }
}
