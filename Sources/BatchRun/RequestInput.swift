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
  /// Inputs up to so many bytes stay in memory: about what a pipe would hold.
  static let inMemory = 65_536

  private let spillDirectory: String
  private var bytes: [UInt8] = []
  private var file: AnonymousFile?
  private var hash = SHA256()
  private(set) var size = 0

  init(spillDirectory: String) { self.spillDirectory = spillDirectory }

  /// Takes the next bytes.
  mutating func append(_ piece: UnsafeRawBufferPointer) throws(BatchFailure) {
    guard !piece.isEmpty else { return }
    hash.consume(piece)
    size += piece.count
    if let file { return try file.append(piece) }
    if size <= Self.inMemory {
      bytes.append(contentsOf: piece)
      return
    }
    let spilled = try AnonymousFile(in: spillDirectory)
    file = spilled
    try spilled.append(bytes)
    try spilled.append(piece)
    bytes = []
  }

  /// Ends this request and begins the next.
  mutating func finish() -> RequestInput {
    let input = RequestInput(place: file.map { .spilled($0) } ?? .memory(bytes), digest: hash.finish(), size: size)
    self = InputCollector(spillDirectory: spillDirectory)
    return input
  }
}
