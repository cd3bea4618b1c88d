// SPDX-License-Identifier: Apache-2.0
/// Columns as wide as their widest cell, two blanks between.
enum Table {
  static func text(_ rows: [[String]]) -> String {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], cell.count)
      }
    }
    return rows.map { row in
      row.enumerated().map { column, cell in
        // Nothing trails the last column.
        column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
      }.joined(separator: "  ") + "\n"
    }.joined()
  }

  /// Characters of the widest row.
  static func width(_ rows: [[String]]) -> Int {
    rows[0].indices.reduce(-2) { sum, column in sum + 2 + (rows.map { $0[column].count }.max() ?? 0) }
  }

  /// Leaves columns out until `isNarrow`, the first of these headings first.
  static func leaveOut(_ headings: [String], of rows: inout [[String]], until isNarrow: ([[String]]) -> Bool) {
    for heading in headings where !isNarrow(rows) {
      guard let column = rows[0].firstIndex(of: heading) else { continue }
      for row in rows.indices { rows[row].remove(at: column) }
    }
  }
}
