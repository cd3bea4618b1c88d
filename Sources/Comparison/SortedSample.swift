// SPDX-License-Identifier: Apache-2.0
/// Values in ascending order that can be read more than once, from memory or from a file.
public protocol SortedSample {
  /// Reads the values from the smallest on.
  associatedtype Cursor: IteratorProtocol<Double>
  /// How many there are.
  var count: Int { get }
  /// A cursor before the first value.
  func makeCursor() -> Cursor
}

extension Array: SortedSample where Element == Double {
  /// A cursor over an array, which must be sorted.
  public func makeCursor() -> IndexingIterator<[Double]> { makeIterator() }
}
