// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import JSONText
internal import Platform
internal import ProcessSupervision
internal import RequestDispatch

/// The output of a call: its result from stdout, in memory while it is small, then in a file; of stderr the end.
final class CallOutput: JobOutput {
  /// How the envelope carries the result.
  enum Form: String, Sendable { case json, text, binary }

  private static let memoryLimit = 262_144
  private let limit: Int
  private let directory: String
  private(set) var bytes: [UInt8] = []
  private(set) var file: Descriptor?
  private(set) var count = 0
  private(set) var diagnostics = StreamTail()
  private var json = JSONScanner()
  private var text = UTF8Scanner()
  /// Why not all of the result is here; nil if it is.
  private(set) var loss: String?

  /// Keeps at most `limit` bytes; larger results go to a file in `directory`.
  init(limit: Int, directory: String) {
    self.limit = limit
    self.directory = directory
  }

  var isLost: Bool { loss != nil }

  func reset() {
    (bytes, file, count, loss) = ([], nil, 0, nil)
    (diagnostics, json, text) = (StreamTail(), JSONScanner(), UTF8Scanner())
  }

  func receive(_ piece: UnsafeRawBufferPointer, from descriptor: Int32) {
    guard descriptor == 1 else { return diagnostics.receive(piece) }
    guard loss == nil else { return }
    guard count + piece.count <= limit else {
      loss = "the result is larger than \(limit) bytes"
      (bytes, file) = ([], nil)
      return
    }
    do throws(SystemError) {
      if file == nil, count + piece.count > Self.memoryLimit {
        let made = try Descriptor.anonymousFile(in: directory)
        try made.writeAll(bytes, at: 0)
        (bytes, file) = ([], made)
      }
      if let file { try file.writeAll(piece, at: count) } else { bytes.append(contentsOf: piece) }
      count += piece.count
      json.consume(piece)
      text.consume(piece)
    } catch {
      loss = "the result cannot be kept (\(error))"
    }
  }

  var form: Form {
    if json.isComplete { return .json }
    return text.isValid && text.unfinished == 0 ? .text : .binary
  }

  /// The first bytes of the result, up to a number.
  ///
  /// - Throws: the errno of a read.
  func beginning(_ limit: Int) throws(SystemError) -> [UInt8] {
    try file?.bytes(at: 0, min(limit, count)) ?? Array(bytes.prefix(limit))
  }
}
