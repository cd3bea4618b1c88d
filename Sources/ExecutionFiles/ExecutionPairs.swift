// SPDX-License-Identifier: Apache-2.0
public import Platform

/// The executions of two sides that were asked the same.
public struct ExecutionPairs {
  /// Executions of A without a partner.
  public let unmatchedA: Int
  /// The same of B.
  public let unmatchedB: Int
  /// Whether both sides were asked the same set of inputs.
  let coverSameInputs: Bool
  private let rows: [(a: Int32, b: Int32)]

  /// Repeats of an input pair by their place in the request list, else in the order they ran.
  public init(_ a: ExecutionColumns, _ b: ExecutionColumns) {
    let keysA = a.keys
    let keysB = b.keys
    let orderA = keysA.indices.sorted { keysA[$0] < keysA[$1] }
    let orderB = keysB.indices.sorted { keysB[$0] < keysB[$1] }
    var rows: [(a: Int32, b: Int32)] = []
    var (i, j) = (0, 0)
    var isSame = true
    func isPartnered(_ key: InputKey, _ keys: [InputKey], _ order: [Int], near place: Int) -> Bool {
      (place > 0 && keys[order[place - 1]].hasSameInput(as: key))
        || (place < order.count && keys[order[place]].hasSameInput(as: key))
    }
    while i < orderA.count || j < orderB.count {
      let keyA = i < orderA.count ? keysA[orderA[i]] : nil
      let keyB = j < orderB.count ? keysB[orderB[j]] : nil
      if let keyA, let keyB, keyA.matches(keyB) {
        rows.append((Int32(orderA[i]), Int32(orderB[j])))
        (i, j) = (i + 1, j + 1)
      } else if let keyA, keyB.map({ keyA.precedes($0) }) ?? true {
        isSame = isSame && isPartnered(keyA, keysB, orderB, near: j)
        i += 1
      } else if let keyB {
        isSame = isSame && isPartnered(keyB, keysA, orderA, near: i)
        j += 1
      }
    }
    self.rows = rows
    coverSameInputs = isSame
    unmatchedA = keysA.count + a.withoutInput - rows.count
    unmatchedB = keysB.count + b.withoutInput - rows.count
  }

  /// Pairs.
  public var count: Int { rows.count }

  /// The values of a column in the pairs that have both, and how many pairs have one.
  ///
  /// - Throws: the errno of reading a file.
  public func values(
    _ name: ColumnName, _ a: ExecutionColumns, _ b: ExecutionColumns
  ) throws(SystemError) -> (a: [Double], b: [Double], onlyA: Int, onlyB: Int) {
    let (allA, allB) = (try a.values(name), try b.values(name))
    var result = (a: [Double](), b: [Double](), onlyA: 0, onlyB: 0)
    for row in rows {
      let (x, y) = (allA[Int(row.a)], allB[Int(row.b)])
      switch (x.isNaN, y.isNaN) {
      case (false, false):
        result.a.append(x)
        result.b.append(y)
      case (false, true): result.onlyA += 1
      case (true, false): result.onlyB += 1
      case (true, true): break
      }
    }
    return result
  }
}
