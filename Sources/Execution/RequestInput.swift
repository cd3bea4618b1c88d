// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Platform

/// The input of a request: a child's descriptor 0.
public enum RequestInput: Sendable {
  /// Algo-run's own standard input.
  case inherited
  /// A descriptor that the child reads from its current position. It can be used once.
  case descriptor(Descriptor)
  /// These bytes.
  case bytes([UInt8])
  /// A file without a name, read from its start by each attempt.
  case file(Descriptor)
  /// The file at this path, opened for each attempt.
  case path(String)

  /// A descriptor for one child; nil for algo-run's own. A child always reads a file from its start, never a pipe, unless
  /// it was given one.
  ///
  /// - Parameter spillDirectory: holds the bytes if the kernel has no files in memory.
  func opened(spillDirectory: String) throws(StartFailure) -> Descriptor? {
    switch self {
    case .inherited: return nil
    case .descriptor(let descriptor): return descriptor
    case .bytes(let bytes):
      do throws(SystemError) {
        let inMemory = try? Descriptor.memoryFile("algo-run request")
        let file = if let inMemory { inMemory } else { try Descriptor.anonymousFile(in: spillDirectory) }
        // At an offset, so that the child reads from the start.
        try file.writeAll(bytes, at: 0)
        return file
      } catch {
        throw .temporaryFile(error)
      }
    case .file(let file):
      do throws(SystemError) { return try file.reopened() } catch { throw .temporaryFile(error) }
    case .path(let path):
      do throws(SystemError) { return try Descriptor.reading(path) } catch { throw .input(path: path, error) }
    }
  }
}
