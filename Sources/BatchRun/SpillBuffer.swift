// SPDX-License-Identifier: Apache-2.0
/// A few bytes in memory, or more in a file without a name.
struct SpillBuffer {
  /// The limit in memory: about the size of a pipe.
  static let inMemory = 65_536

  private let directory: String
  /// All bytes, or none once there is a file.
  private(set) var bytes: [UInt8] = []
  private(set) var file: AnonymousFile?
  /// Bytes kept.
  private(set) var size = 0

  /// - Parameter directory: holds the file, if one is needed.
  init(directory: String) { self.directory = directory }

  /// Takes the next bytes.
  mutating func append(_ piece: UnsafeRawBufferPointer) throws(BatchFailure) {
    if let file {
      try file.append(piece)
    } else if size + piece.count <= Self.inMemory {
      bytes.append(contentsOf: piece)
    } else {
      let spilled = try AnonymousFile(in: directory)
      try spilled.append(bytes)
      try spilled.append(piece)
      file = spilled
      bytes.removeAll(keepingCapacity: true)
    }
    size += piece.count
  }

  /// Reads up to `buffer.count` bytes at `offset`.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(BatchFailure) -> Int {
    if let file { return try file.read(into: buffer, at: offset) }
    return bytes.withUnsafeBytes { kept in
      let piece = kept[min(offset, kept.count)...].prefix(buffer.count)
      buffer.copyBytes(from: piece)
      return piece.count
    }
  }

  /// Forgets all, and keeps its memory for the next bytes.
  mutating func reset() {
    bytes.removeAll(keepingCapacity: true)
    (file, size) = (nil, 0)
  }
}
