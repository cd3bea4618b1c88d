// SPDX-License-Identifier: Apache-2.0
internal import Execution

/// The bytes of one request and their digest: small inputs in memory, long lines in a file without a name, one-request
/// files where they are.
struct HashedInput {
  let bytes: RequestInput
  let digest: SHA256.Digest
  /// Bytes.
  let size: Int
}

/// Collects the bytes of one request as they are read: few in memory, more in a file; hashed as they arrive.
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
  mutating func finish() -> HashedInput {
    defer { self = InputCollector(spillDirectory: spillDirectory) }
    let bytes = kept.file.map { RequestInput.file($0.descriptor) } ?? .bytes(kept.bytes)
    return HashedInput(bytes: bytes, digest: hash.finish(), size: kept.size)
  }
}
