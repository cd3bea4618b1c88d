// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

@testable import AlgoMetrics

/// The frames that all bindings and the supervisor share.
struct FrameTests {
  struct Vector: Decodable {
    struct Reading: Decodable {
      let verb: String
      let number: String
      let body: String
      let keys: [String: String]
    }

    let promise: String
    let direction: String?
    let stream: String?
    let reading: [Reading]?
    let canonical: String?
    let error: String?
    let offer: String?
    let requests: String?
    let answers: String?
    let socket: String?
  }

  static func load() throws -> [Vector] {
    struct File: Decodable {
      let vectors: [Vector]
    }
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/worker-frames.json")
    return try JSONDecoder().decode(File.self, from: Data(contentsOf: file)).vectors
  }

  static func bytes(_ digits: String) -> [UInt8] {
    let digits = Array(digits.utf8)
    return stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
    }
  }

  @Test func `Offers are read as all bindings read them`() throws {
    let vectors = try Self.load().filter { $0.offer != nil }
    #expect(vectors.count >= 10)
    for vector in vectors {
      let offer = WorkerOffer(vector.offer ?? "")
      let found = offer.map { [$0.requests, $0.answers, $0.socket].map { String($0) } }
      let expected = vector.error == nil ? [vector.requests, vector.answers, vector.socket].compactMap { $0 } : nil
      #expect(found == expected, "\(vector.promise)")
    }
  }

  @Test func `Streams of a supervisor are read as all bindings read them`() throws {
    let vectors = try Self.load().filter { $0.direction == "to_worker" }
    #expect(vectors.count >= 40)
    for vector in vectors {
      let promise = Comment(rawValue: vector.promise)
      var ends: [CInt] = [-1, -1]
      try #require(pipe(&ends) == 0)
      let stream = Self.bytes(vector.stream ?? "")
      #expect(write(ends[1], stream, stream.count) == stream.count)
      close(ends[1])
      var reader = FrameReader(descriptor: ends[0])
      var problem: String?
      var frames: [WorkerFrame] = []
      do throws(WorkerError) {
        while let frame = try reader.next() { frames.append(frame) }
      } catch {
        switch error {
        case .malformedFrame: problem = "malformed"
        case .truncatedFrame: problem = "truncated"
        default: problem = "\(error)"
        }
      }
      close(ends[0])
      #expect(problem == vector.error, promise)
      let expected = vector.reading ?? []
      #expect(frames.map { String($0.number) } == expected.map(\.number), promise)
      #expect(frames.map(\.body) == expected.map { Self.bytes($0.body) }, promise)
      let keys = frames.map { Dictionary($0.keys.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }) }
      #expect(keys == expected.map(\.keys), promise)
    }
  }

  @Test func `Frames to a supervisor are written as all bindings write them`() throws {
    let vectors = try Self.load().filter { $0.direction == "to_supervisor" && $0.canonical == "yes" }
    #expect(vectors.count >= 8)
    for vector in vectors {
      let stream = Self.bytes(vector.stream ?? "")
      let text = String(decoding: stream, as: UTF8.self)
      let written = (vector.reading ?? []).flatMap { reading in
        // A dictionary has lost the order of the keys.
        let place = { (key: String) in text.range(of: " \(key)=")?.lowerBound ?? text.endIndex }
        let keys = reading.keys.sorted { place($0.key) < place($1.key) }
        return WorkerFrame(
          verb: reading.verb, number: Int(reading.number) ?? 0, keys: keys.map { ($0.key, $0.value) },
          body: Self.bytes(reading.body)
        ).bytes
      }
      #expect(written == stream, "\(vector.promise)")
    }
  }
}
