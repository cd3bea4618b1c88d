// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// Runs `body` in several threads at the same time, each with its number, and returns their errors.
func inThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) -> [any Error] {
  let failures = Failures()
  let finished = DispatchGroup()
  for number in 0..<count {
    finished.enter()
    let thread = Thread {
      do { try body(number) } catch { failures.list.withLock { $0.append("\(error)") } }
      finished.leave()
    }
    thread.start()
  }
  finished.wait()
  return failures.list.withLock { $0.map { ThreadFailure(description: $0) } }
}

/// The error of a thread, as text.
struct ThreadFailure: Error, CustomStringConvertible { let description: String }

/// Owned by all threads of one call.
private final class Failures: Sendable { let list = Mutex<[String]>([]) }

/// A list that threads append to.
final class Gathered<Element: Sendable>: Sendable {
  private let elements = Mutex<[Element]>([])
  func append(_ more: [Element]) { elements.withLock { $0 += more } }
  var all: [Element] { elements.withLock { $0 } }
}
