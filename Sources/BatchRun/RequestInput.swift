internal import Platform
internal import ProcessSupervision

/// The bytes of one request, read as often as it has attempts, and their digest.
///
/// A child always reads a file from its start, never a pipe: small inputs from memory, long lines from a file without
/// a name, and one-request files from the file itself.
struct RequestInput {
  /// Where the bytes are.
  enum Place {
    case memory([UInt8])
    case spilled(AnonymousFile)
    case path(String)
  }

  let place: Place
  let digest: SHA256.Digest
  /// Bytes.
  let size: Int

  /// A descriptor for one child's stdin.
  ///
  /// - Throws: ``BatchFailure``, with why there is none.
  func opened(spillDirectory: String) throws(BatchFailure) -> Descriptor {
    switch place {
    case .memory(let bytes):
      do throws(SystemError) {
        let inMemory = try? Descriptor.memoryFile("algo-run request")
        let file = if let inMemory { inMemory } else { try Descriptor.anonymousFile(in: spillDirectory) }
        // At an offset, so that the child reads from the start.
        try file.writeAll(bytes, at: 0)
        return file
      } catch {
        throw .cannotSpill(code: error.code)
      }
    case .spilled(let file): return try file.reopened()
    case .path(let path):
      do throws(SystemError) {
        return try Descriptor.reading(path)
      } catch {
        throw .cannotOpenRequests(path: path, code: error.code)
      }
    }
  }
}

/// Collects the bytes of one request as they are read: in memory while they are few, else in a file; hashed on the way.
struct InputCollector {
  private var kept: SpillBuffer
  private let spillDirectory: String
  private var hash = SHA256()

  init(spillDirectory: String) {
    self.spillDirectory = spillDirectory
    kept = SpillBuffer(directory: spillDirectory)
  }

  /// Takes the next bytes.
  mutating func append(_ piece: UnsafeRawBufferPointer) throws(BatchFailure) {
    guard !piece.isEmpty else { return }
    hash.consume(piece)
    try kept.append(piece)
  }

  /// Ends this request and begins the next.
  mutating func finish() -> RequestInput {
    defer { self = InputCollector(spillDirectory: spillDirectory) }
    let place = kept.file.map { RequestInput.Place.spilled($0) } ?? .memory(kept.bytes)
    return RequestInput(place: place, digest: hash.finish(), size: kept.size)
  }
}
