// SPDX-License-Identifier: Apache-2.0
import Foundation
import MetricsIntake
import RunModel
import Testing

/// The shared vectors of metric streams, each in one piece and byte by byte.
struct VectorTests {
  struct Vector: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let stream: [UInt8]
    let accepted: [[String]]
    let rejected: [String]
  }

  static let vectors: [Vector] = {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/metric-lines.json")
    guard let data = try? Data(contentsOf: path),
      let file = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
      let entries = file["vectors"] as? [[String: Any]]
    else { return [] }
    return entries.compactMap { entry in
      guard let name = entry["is"] as? String, let stream = entry["stream"] as? String,
        let accepted = entry["accepted"] as? [[String]], let rejected = entry["rejected"] as? [[Any]]
      else { return nil }
      return Vector(
        testDescription: name, stream: Array(stream.utf8), accepted: accepted,
        rejected: rejected.map { "\($0[0]) \($0[1])" })
    }
  }()

  @Test func `there are vectors, and each was understood`() {
    #expect(Self.vectors.count >= 33)
  }

  @Test(arguments: vectors) func `a stream gives the metrics and rejections of its vector`(vector: Vector) {
    expect(collected(vector.stream, pieces: vector.stream.count), are: vector)
  }

  @Test(arguments: vectors) func `pieces of one byte give the same`(vector: Vector) {
    expect(collected(vector.stream, pieces: 1), are: vector)
  }

  private func expect(_ metrics: CollectedMetrics, are vector: Vector) {
    #expect(metrics.accepted.map { [$0.name, $0.number] } == vector.accepted)
    #expect(metrics.rejected.map { $0.subjectAndReason } == vector.rejected)
  }
}

/// The result of an intake of `stream` that comes in pieces of `size` bytes.
func collected(_ stream: [UInt8], pieces: Int = 65_536, format: PayloadFormat = .standard) -> CollectedMetrics {
  var intake = MetricsIntake(rules: MetricRules(format: format))
  stream.withUnsafeBytes { bytes in
    var position = 0
    while position < bytes.count {
      let end = min(bytes.count, position + max(1, pieces))
      intake.consume(UnsafeRawBufferPointer(rebasing: bytes[position..<end]))
      position = end
    }
  }
  return intake.finish()
}

func collected(_ stream: String, format: PayloadFormat = .standard) -> CollectedMetrics {
  collected(Array(stream.utf8), format: format)
}

extension MetricRejection {
  var subjectAndReason: String {
    switch subject {
    case .metric(let name): "\(name) \(reason.rawValue)"
    case .line(let number, _): "\(number) \(reason.rawValue)"
    }
  }
}
