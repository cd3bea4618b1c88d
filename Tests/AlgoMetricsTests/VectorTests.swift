// SPDX-License-Identifier: Apache-2.0
import AlgoMetrics
import Foundation
import Testing

/// The calls that all bindings share, and the exact bytes of each.
struct VectorTests {
  struct File: Decodable {
    let vectors: [Vector]
  }

  struct Vector: Decodable {
    struct Metric: Decodable {
      let name: String
      let type: String
      let text: String
    }

    let promise: String
    let call: [Metric]
    let bytes: String?
    let error: String?
    let metric: String?

    var testDescription: String { promise }
  }

  enum Unreadable: Error {
    case type(String)
  }

  /// Calls that Swift cannot make are left out before decoding: a String cannot hold half a surrogate pair.
  static func load() throws -> (vectors: [Vector], left: [String]) {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/binding-calls.json")
    let text = try String(contentsOf: file, encoding: .utf8)
    let lines = text.split(separator: "\n").filter { $0.hasPrefix(#"    {"promise""#) }
    let left = lines.filter { $0.contains(#""swift":"#) }
    let decoder = JSONDecoder()
    let vectors = try lines.filter { !$0.contains(#""swift":"#) }.map { line in
      let object = line.hasSuffix(",") ? line.dropLast() : line
      return try decoder.decode(Vector.self, from: Data(object.utf8))
    }
    return (vectors, left.map(String.init))
  }

  static func value(_ metric: Vector.Metric) throws -> any MetricNumber {
    switch metric.type {
    case "int": Int(metric.text) ?? MetricValue(decimal: metric.text)
    case "double": try #require(Double(metric.text))
    case "float": try #require(Float(metric.text))
    case "decimal": MetricValue(decimal: metric.text)
    case "nan": Double.nan
    case "inf": Double.infinity
    case "-inf": -Double.infinity
    default: throw Unreadable.type(metric.type)
    }
  }

  @Test func `The vectors are all there, and only those that Swift cannot express are left out`() throws {
    let (vectors, left) = try Self.load()
    #expect(vectors.count >= 110)
    #expect(left.allSatisfy { $0.contains("not_a_number") || $0.contains("invalid_name") || $0.contains("bool") })
    #expect(left.count == 11)
  }

  @Test func `The same call writes the same bytes`() async {
    await #expect(processExitsWith: .success) {
      for vector in try Self.load().vectors { try Self.check(vector) }
    }
  }

  static func check(_ vector: Vector) throws {
    let channel = Channel()
    defer { channel.close() }
    let metrics = try vector.call.map { (key: $0.name, value: try value($0)) }
    guard let error = vector.error else {
      try report(contentsOf: metrics)
      #expect(channel.written() == vector.bytes, "\(vector.promise)")
      return
    }
    let thrown = #expect(throws: MetricError.self, "\(vector.promise)") { try report(contentsOf: metrics) }
    switch thrown {
    case .reservedName(let name): #expect(error == "reserved_name" && name == vector.metric)
    case .emptyName: #expect(error == "empty_name" && vector.metric == "")
    case .notANumber, nil: Issue.record("\(vector.promise): \(String(describing: thrown))")
    }
    #expect(thrown?.description.contains("metric \"\(vector.metric ?? "?")\" ") == true)
    #expect(channel.written() == "")
  }
}
