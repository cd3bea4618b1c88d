// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Execution

/// The frames that all bindings and the supervisor agree on: Tests/Vectors/worker-frames.json.
@Suite struct FrameVectorTests {
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
    let state: String?
  }

  struct File: Decodable { let vectors: [Vector] }

  static func vectors() throws -> [Vector] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/worker-frames.json")
    return try JSONDecoder().decode(File.self, from: Data(contentsOf: file)).vectors.filter { $0.stream != nil }
  }

  @Test(arguments: [1, 7, .max]) func `each stream has the reading of its vector, in pieces of any size`(
    piece: Int
  ) throws {
    let vectors = try Self.vectors()
    #expect(vectors.count > 50)
    for vector in vectors {
      let (frames, error) = read(vector, piece: piece)
      #expect(error == vector.error, "\(vector.promise)")
      #expect(frames.map(\.frame.verb.rawValue) == vector.reading?.map(\.verb), "\(vector.promise)")
      for (frame, reading) in zip(frames, vector.reading ?? []) {
        #expect("\(frame.frame.number)" == reading.number && frame.body == bytes(reading.body), "\(vector.promise)")
        let keys = Dictionary(frame.frame.fields.map { ($0.key, $0.value) }) { first, _ in first }
        #expect(keys == reading.keys, "\(vector.promise)")
      }
      if vector.canonical == "yes" {
        var written: [UInt8] = []
        for frame in frames {
          frame.frame.write(to: &written)
          written += frame.body
        }
        #expect(written == bytes(vector.stream ?? ""), "\(vector.promise)")
      }
    }
  }

  private func read(_ vector: Vector, piece: Int) -> (frames: [(frame: Frame, body: [UInt8])], error: String?) {
    let isAnswer = vector.direction == "to_supervisor"
    var reader = FrameReader(verbs: isAnswer ? [.ready, .done, .fail, .forked] : [.run])
    var phase: AnswerPhase =
      switch vector.state {
      case "start": .starting
      case "running": .running(number: 1)
      default: .answered
      }
    var frames: [(frame: Frame, body: [UInt8])] = []
    var current: (frame: Frame, body: [UInt8])?
    let stream = bytes(vector.stream ?? "")
    for start in Swift.stride(from: 0, to: stream.count, by: min(piece, max(1, stream.count))) {
      let error: String? = stream[start..<min(stream.count, start + min(piece, stream.count))].withUnsafeBytes {
        var rest = $0
        do {
          while let part = try reader.next(&rest) {
            switch part {
            case .header(let frame):
              if isAnswer, phase.violation(by: frame) != nil { return "unexpected" }
              if frame.verb == .ready || frame.verb == .done || frame.verb == .fail { phase = .answered }
              current = (frame, [])
            case .body(let bytes): current?.body += bytes
            case .end:
              if let current { frames.append(current) }
              current = nil
            }
          }
          return nil
        } catch { return "malformed" }
      }
      if let error { return (frames, error) }
    }
    return (frames, reader.isBetweenFrames ? nil : "truncated")
  }

  private func bytes(_ digits: String) -> [UInt8] {
    let digits = Array(digits.utf8)
    return Swift.stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)
    }
  }
}
