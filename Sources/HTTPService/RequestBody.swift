// SPDX-License-Identifier: Apache-2.0
public import Platform

/// The body of a request: in memory while it is small, else in a file without a name.
public struct RequestBody: Sendable {
  /// The largest body that is kept in memory.
  public static let memoryLimit = 262_144

  /// The bytes of a body that is in memory.
  public private(set) var bytes: [UInt8] = []
  /// The file of a larger one.
  public private(set) var file: Descriptor?
  /// Bytes so far.
  public private(set) var count = 0

  /// An empty body.
  public init() {}

  /// A body of these bytes.
  public init(_ bytes: [UInt8]) { (self.bytes, count) = (bytes, bytes.count) }

  /// Adds a piece. Beyond ``memoryLimit`` all of it is in a file in `directory`.
  ///
  /// - Throws: the errno of a write, for example ENOSPC.
  mutating func append(_ piece: UnsafeRawBufferPointer, directory: String) throws(SystemError) {
    if file == nil, count + piece.count > Self.memoryLimit {
      let made = try Descriptor.anonymousFile(in: directory)
      try made.writeAll(bytes, at: 0)
      bytes = []
      file = made
    }
    if let file { unsafe try file.writeAll(piece, at: count) } else { unsafe bytes.append(contentsOf: piece) }
    count += piece.count
  }
}
