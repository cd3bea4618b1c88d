// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import RunModel

/// Payloads that the outbox cannot take, in files of the home, until ``Outbox/takeInFallback(atLeast:)`` moves them
/// into it.
///
/// The writer of a file holds its lock, and so does the process that takes it in. A writer waits only a moment for the
/// lock: that process may have been stopped. If the lock stays taken, if the file has been taken in the meantime, or
/// if it is long, the writer begins another file. So a file is never written after it was read, and reading one is a
/// bounded amount of work.
public final class FallbackFile {
  /// Bytes after which another file is begun: about 1,500 payloads.
  private static let longest = 1 << 20
  private static let prefix = "insights-fallback"
  private static let suffix = ".ndjson"

  private let home: HomeDirectory
  /// The file that took the last payload, or takes the first.
  public private(set) var path: String

  /// The fallback of a home; nothing is opened yet.
  public init(home: HomeDirectory) {
    self.home = home
    path = home.fallbackFile
  }

  /// Appends payloads, all or none. When it returns, they survive a crash of the process and of the machine.
  ///
  /// - Parameter isVerified: whether it is known that the version of these payloads has Insights on. If not, that is
  ///   looked up when they are taken in.
  public func append(_ entries: [OutboxEntry], isVerified: Bool = true) throws(StateError) {
    try home.create()
    let lines = entries.flatMap { FallbackLine.encode($0, isVerified: isVerified) }
    while true {
      do throws(SystemError) {
        let file = try Descriptor.open(path, flags: O_RDWR | O_CREAT | O_APPEND | O_NOCTTY, mode: 0o600)
        if let length = Self.lock(file, for: Outbox.momentaryLock), length < Self.longest {
          return try Self.append(lines, to: file, length: length)
        }
      } catch {
        throw PrivateFile.failure(error.code, at: path)
      }
      path = "\(home.path)/\(Self.prefix)-\(String(UInt64.random(in: .min ... .max), radix: 36))\(Self.suffix)"
    }
  }

  private static func append(_ lines: [UInt8], to file: Descriptor, length: Int) throws(SystemError) {
    var last: UInt8 = 0
    let lastByte = length > 0 ? file.withNumber { unsafe pread($0, &last, 1, length - 1) } : 0
    let isTorn = lastByte == 1 && last != newline
    do {
      try file.writeAll(isTorn ? [newline] + lines : lines)
    } catch {
      // Under the lock nothing follows the part that was written.
      try? file.truncate(to: length)
      throw error
    }
    guard file.withNumber({ fdatasync($0) }) == 0 else { throw SystemError(errno) }
  }

  /// Takes the lock of an open file.
  ///
  /// - Returns: the length of the file; nil if another process holds the lock, or if the file has been removed.
  static func lock(_ file: Descriptor, for wait: Duration = .zero) -> Int? {
    // An error means that the file system has no locks. Then one writer and no taker at a time must do.
    guard file.lock(.exclusive, until: .now() + wait) != .busy, file.hasName else { return nil }
    return file.size
  }

  /// The files that wait to be taken in.
  static func paths(in home: HomeDirectory) -> [String] {
    PrivateFile.names(in: home.path).filter { $0.hasPrefix(prefix) && $0.hasSuffix(suffix) }.sorted()
      .map { "\(home.path)/\($0)" }
  }

  /// Whether any payload waits to be taken in.
  public static func exists(in home: HomeDirectory) -> Bool { !paths(in: home).isEmpty }

  /// The bytes of an open file.
  static func contents(of file: Descriptor, at path: String) throws(StateError) -> [UInt8] {
    var contents: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
      switch unsafe block.withUnsafeMutableBytes({ unsafe file.read(into: $0) }) {
      case .bytes(let count): contents.append(contentsOf: block[..<count])
      case .endOfFile, .nothingNow: return contents
      case .failed(let error): throw PrivateFile.failure(error.code, at: path)
      }
    }
  }

  /// How many payloads wait to be taken in.
  ///
  /// - Throws: ``StateError`` if a file cannot be read.
  public static func count(in home: HomeDirectory) throws(StateError) -> Int {
    var count = 0
    for path in paths(in: home) {
      do throws(StateError) {
        count += lines(try PrivateFile.contents(of: path)).count
      } catch {
        // Taken in since the directory was read.
        guard case .inaccessible(_, ENOENT) = error else { throw error }
      }
    }
    return count
  }

  /// The lines of a file that are not empty.
  static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] { bytes.split(separator: newline) }

  private static let newline = UInt8(ascii: "\n")
}
