// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// The input of a request on its way into a worker's pipe, piece by piece.
struct RunInput {
  /// Bytes taken in one step: a small body goes with its header in one write.
  private static let piece = 262_144

  private enum Source {
    case bytes([UInt8])
    case file(Descriptor, start: Int)
  }

  private let source: Source
  private var taken = 0
  /// Bytes in all.
  let size: Int

  /// - Throws: the input cannot be opened, or it is a pipe, whose size is unknown.
  init(_ input: RequestInput) throws(StartFailure) {
    let file: Descriptor
    switch input {
    case .bytes(let bytes):
      (source, size) = (.bytes(bytes), bytes.count)
      return
    case .file(let unnamed):
      (source, size) = (.file(unnamed, start: 0), unnamed.size)
      return
    case .path(let path):
      do throws(SystemError) { file = try Descriptor.reading(path) } catch { throw .input(path: path, error) }
    case .descriptor(let descriptor): file = descriptor
    case .inherited: file = .standardInput
    }
    guard file.isRegularFile else { throw .temporaryFile(SystemError(ESPIPE)) }
    let start = file.position
    (source, size) = (.file(file, start: start), max(0, file.size - start))
  }

  /// Whether all of it was taken.
  var isAtEnd: Bool { taken == size }

  /// Appends the next piece to `buffer`.
  ///
  /// - Throws: the file became shorter (EIO), or the errno of pread(2).
  mutating func next(into buffer: inout [UInt8]) throws(SystemError) {
    let wanted = min(Self.piece, size - taken)
    guard wanted > 0 else { return }
    switch source {
    case .bytes(let bytes): buffer.append(contentsOf: bytes[taken..<(taken + wanted)])
    case .file(let file, let start):
      let offset = start + taken
      let read = try withUnsafeTemporaryAllocation(byteCount: wanted, alignment: 16) { piece throws(SystemError) in
        let count = try file.read(into: piece, at: offset)
        buffer.append(contentsOf: piece[..<count])
        return count
      }
      guard read > 0 else { throw SystemError(EIO) }
      taken += read
      return
    }
    taken += wanted
  }
}

extension RequestInput {
  /// The digest of what a worker reads; nil if it cannot be read, or is a pipe.
  public var sha256: SHA256.Digest? {
    guard var input = try? RunInput(self) else { return nil }
    var hash = SHA256()
    var piece: [UInt8] = []
    while !input.isAtEnd {
      piece.removeAll(keepingCapacity: true)
      guard (try? input.next(into: &piece)) != nil else { return nil }
      piece.withUnsafeBytes { hash.consume($0) }
    }
    return hash.finish()
  }
}
