// SPDX-License-Identifier: Apache-2.0
import Comparison
import RunModel
import Testing

@testable import ExecutionFiles

/// Columns of values: what was reported comes back sorted, whether it stayed in memory or went to a file.
struct ColumnTests {
  private func add(_ text: String, to columns: ExecutionColumns) throws {
    let line = ExecutionLine()
    try (Array(text.utf8) + [0]).withUnsafeBytes { bytes in
      #expect(line.read(UnsafeRawBufferPointer(rebasing: bytes.dropLast())) == .execution)
      try columns.add(line)
    }
  }

  private func payload(_ metrics: String) -> String {
    #"{"request_id":"r","timestamp":"2026-01-01T00:00:00.000000Z","algorithm_name":"n","duration_milliseconds":1.5,"#
      + metrics + "}"
  }

  private func values(_ columns: ExecutionColumns, _ name: String) throws -> [Double] {
    var cursor = try columns.sorted(.metric(name)).makeCursor()
    var values: [Double] = []
    while let value = cursor.next() { values.append(value) }
    return values
  }

  @Test(arguments: [1_048_576, 20_000])
  func `many executions come back sorted, with metrics that begin late and end early`(runLength: Int) throws {
    let columns = ExecutionColumns(directory: "/tmp", needsKeys: false, runLength: runLength)
    var (all, late, early): ([Double], [Double], [Double]) = ([], [], [])
    for index in 0..<40_000 {
      let value = Double(index * 7919 % 40_009) / 8
      all.append(value)
      var metrics = "\"all\":\(value)"
      if index >= 35_000 {
        metrics += ",\"late\":\(-value)"
        late.append(-value)
      }
      if index < 100 {
        metrics += ",\"early\":\(index)"
        early.append(Double(index))
      }
      try add(payload(metrics), to: columns)
    }
    #expect(columns.executions == 40_000 && columns.metrics == ["all", "early", "late"])
    #expect(try values(columns, "all") == all.sorted())
    #expect(try values(columns, "late") == late.sorted())
    #expect(try values(columns, "early") == early)
    #expect(columns.count(of: .supervisor(0)) == 40_000 && columns.count(of: .supervisor(3)) == 0)
  }

  @Test func `numbers are the doubles that Swift reads from them`() throws {
    let texts = [
      "0", "-0", "0.10", "12345678901234567890", "1e-320", "1.797e308", "-1E+2", "123456789.0123456", "5e-1",
    ]
    let columns = ExecutionColumns(directory: "/tmp", needsKeys: false)
    for text in texts { try add(payload("\"x\": \(text) "), to: columns) }
    let expected = texts.compactMap(Double.init).map { $0 + 0 }.sorted()
    let found = try values(columns, "x")
    #expect(found == expected && found.allSatisfy { $0 != 0 || $0.sign == .plus })
  }

  @Test func `a name with escapes is the decoded name`() throws {
    let columns = ExecutionColumns(directory: "/tmp", needsKeys: false)
    try add(payload(#""caf\u00e9":1,"a\"b":2"#), to: columns)
    try add(payload(#""a\"b":2,"café":1"#), to: columns)
    #expect(columns.metrics == ["café", "a\"b"])
    #expect(columns.count(of: .metric("café")) == 2)
  }

  @Test(arguments: [
    "", "{", "[]", "{\"request_id\":1}", "{\"a\":1}x", "{\"a\":01}", "{\"a\":tru}", "{\"a\" 1}", "{\"a\":1,}",
    "{\"a\":.5}",
    "{\"a\":1.}", "{\"a\":[1}", "{\"a\":\"x}",
  ])
  func `another text is unreadable`(text: String) {
    let line = ExecutionLine()
    (Array(text.utf8) + [0]).withUnsafeBytes { bytes in
      #expect(line.read(UnsafeRawBufferPointer(rebasing: bytes.dropLast())) == .unreadable)
    }
  }

  @Test func `the result of a batch line is not looked at`() {
    let line = ExecutionLine()
    let text = #"{"request_id":"r","algorithm":"a/b/1.0.0","outcome":"failed","metrics":{"x":1},"result":{"cut off"#
    (Array(text.utf8) + [0]).withUnsafeBytes { bytes in
      #expect(line.read(UnsafeRawBufferPointer(rebasing: bytes.dropLast())) == .execution)
      #expect(line.hasFailed == true && line.reference?.version.description == "1.0.0")
    }
  }
}
