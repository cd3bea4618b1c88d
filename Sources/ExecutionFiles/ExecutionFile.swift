// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Platform

/// A file of executions, one a line.
public struct ExecutionFile {
  /// A longer line is read up to here: behind it can only be the result of a batch.
  static let longestLine = 1_048_576

  /// The contents of a file.
  public struct Tally: Sendable {
    /// Lines that are executions.
    public var executions = 0
    /// Lines that are not.
    public var unreadable = 0

    /// Nothing yet.
    public init() {}
  }

  /// Calls `visit` with each execution of the file; `-` is standard input.
  ///
  /// - Throws: the errno of open(2) or read(2), or what `visit` throws.
  public static func read(
    _ path: String, visit: (ExecutionLine) throws(SystemError) -> Void
  ) throws(SystemError) -> Tally {
    let input = path == "-" ? Descriptor.standardInput : try Descriptor.reading(path)
    var tally = Tally()
    let execution = ExecutionLine()
    func take(_ line: UnsafeRawBufferPointer) throws(SystemError) {
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { return }
      switch execution.read(line) {
      case .execution:
        tally.executions += 1
        try visit(execution)
      case .connectionTest: break
      case .unreadable: tally.unreadable += 1
      }
    }
    // The beginning of a line whose end is not read yet.
    var begun: [UInt8] = []
    func finish() throws(SystemError) {
      begun.append(0)
      try begun.span.bytes.withUnsafeBytes { bytes throws(SystemError) in
        try take(UnsafeRawBufferPointer(rebasing: bytes.dropLast()))
      }
      begun.removeAll(keepingCapacity: true)
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 262_144, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      switch input.read(into: buffer) {
      case .nothingNow: input.waitUntilReady(for: .read)
      case .failed(let error): throw error
      case .endOfFile:
        if !begun.isEmpty { try finish() }
        return tally
      case .bytes(let count):
        var rest = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        while let start = rest.baseAddress, let found = memchr(start, 0x0a, rest.count) {
          let newline = UnsafeRawPointer(found) - start
          let line = UnsafeRawBufferPointer(rebasing: rest[..<newline])
          if begun.isEmpty {
            try take(line)
          } else {
            begun.append(contentsOf: line.prefix(max(0, longestLine - begun.count)))
            try finish()
          }
          rest = UnsafeRawBufferPointer(rebasing: rest[(newline + 1)...])
        }
        begun.append(contentsOf: rest.prefix(max(0, longestLine - begun.count)))
      }
    }
  }
}
