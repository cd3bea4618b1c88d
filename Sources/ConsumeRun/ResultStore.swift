// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Bytes that are kept until a commit is known: in memory, or in a file.
enum StoredBytes {
  case memory([UInt8])
  case file(Descriptor, offset: Int, count: Int)

  var count: Int {
    switch self {
    case .memory(let bytes): bytes.count
    case .file(_, _, let count): count
    }
  }

  /// The bytes, read back if need be.
  func read() throws(SystemError) -> [UInt8] {
    switch self {
    case .memory(let bytes): return bytes
    case .file(let file, let offset, let count):
      return try withUnsafeTemporaryAllocation(byteCount: count, alignment: 16) { buffer throws(SystemError) in
        var filled = 0
        while filled < count {
          let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
          let read = try file.read(into: rest, at: offset + filled)
          guard read > 0 else { throw SystemError(5) }
          filled += read
        }
        return [UInt8](buffer)
      }
    }
  }
}

/// Keeps results until their commit is known, so that an aborted transaction runs nothing again. Beyond a limit in memory
/// they go to a file without a name, which is begun anew when nothing of it is needed any more.
final class ResultStore {
  private static let memoryLimit = 64 << 20

  private let directory: String
  private(set) var inMemory = 0
  private var file: Descriptor?
  private var size = 0
  private var kept = 0

  init(directory: String) { self.directory = directory }

  func keep(_ bytes: [UInt8]) -> StoredBytes {
    guard inMemory + bytes.count > Self.memoryLimit, bytes.count > 4096 else { return keepInMemory(bytes) }
    do throws(SystemError) {
      let file = if let file { file } else { try Descriptor.anonymousFile(in: directory) }
      self.file = file
      try file.writeAll(bytes, at: size)
      defer {
        size += bytes.count
        kept += 1
      }
      return .file(file, offset: size, count: bytes.count)
    } catch {
      // A full disk: memory is the only place left.
      return keepInMemory(bytes)
    }
  }

  private func keepInMemory(_ bytes: [UInt8]) -> StoredBytes {
    inMemory += bytes.count
    return .memory(bytes)
  }

  func release(_ bytes: StoredBytes) {
    switch bytes {
    case .memory(let bytes): inMemory -= bytes.count
    case .file:
      kept -= 1
      if kept == 0 { (file, size) = (nil, 0) }
    }
  }
}
