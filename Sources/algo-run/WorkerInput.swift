// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import Glibc
internal import Platform
internal import RunModel

extension RequestInput {
  /// The same in a form whose size is known, which a worker needs: a pipe or a terminal is read to its end.
  ///
  /// - Throws: `Interruption` if a signal asks algo-run to end, `CommandError` with status 125 if it cannot be read.
  func readToEnd() throws -> RequestInput {
    let source: Descriptor
    switch self {
    case .inherited: source = .standardInput
    case .descriptor(let descriptor): source = descriptor
    case .bytes, .file, .path: return self
    }
    guard !source.isRegularFile else { return .descriptor(source) }
    do {
      let inMemory = try? Descriptor.memoryFile("algo-run request")
      let file = if let inMemory { inMemory } else { try Descriptor.anonymousFile(in: "/tmp") }
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
      defer { buffer.deallocate() }
      var size = 0
      while true {
        while !source.isReady(for: .read) {
          if let signal = PendingSignals.askingToEnd { throw Interruption(signal: signal) }
          source.waitUntilReady(for: .read, milliseconds: 50)
        }
        switch source.read(into: buffer) {
        case .bytes(let count):
          try file.writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: size)
          size += count
        case .nothingNow: break
        case .endOfFile: return .file(file)
        case .failed(let error): throw error
        }
      }
    } catch let error as SystemError {
      throw CommandError(
        exitCode: 125, sentence: "cannot read the input: \(error); name a file that can be read with --input.")
    }
  }
}
