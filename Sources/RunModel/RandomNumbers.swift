// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// Numbers from the system's random source, fetched for many uses together: a call of the kernel costs more than all
/// else of an identifier. For any thread.
public enum RandomNumbers {
  /// getentropy(3) returns at most 256 bytes.
  private static let fetchedAtOnce = 32
  private static let unused = Mutex<[UInt64]>([])

  /// The next number. None is returned twice.
  public static func next() -> UInt64 {
    unused.withLock { numbers in
      if numbers.isEmpty { numbers = fetch() }
      return numbers.removeLast()
    }
  }

  private static func fetch() -> [UInt64] {
    var numbers = [UInt64](repeating: 0, count: fetchedAtOnce)
    if numbers.withUnsafeMutableBytes({ getentropy($0.baseAddress, $0.count) }) == 0 { return numbers }
    // A system without the call has another source, which the standard library knows.
    var generator = SystemRandomNumberGenerator()
    return numbers.map { _ in generator.next() }
  }
}
