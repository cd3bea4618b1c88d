// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// Proof that a deliverer lives: a lock on a file of its own that the kernel releases at the moment its process ends,
/// however it ends. Claims in the outbox carry its ``name``.
///
/// A process number would not do: it is used again, means nothing in another container, and to ask about it is a race.
public final class ClaimOwner {
  /// The name that claims carry.
  public let name: String
  private let path: String
  private let file: Descriptor

  /// Makes an owner of claims in a home.
  public init(home: HomeDirectory) throws(StateError) {
    try home.create()
    try PrivateFile.makeDirectory(home.deliverersDirectory)
    while true {
      let name = String(UInt64.random(in: .min ... .max), radix: 36)
      let path = Self.path(of: name, in: home)
      do throws(SystemError) {
        let file = try Descriptor.open(path, flags: O_CREAT | O_EXCL | O_RDWR, mode: 0o600)
        // A umask may have taken the owner's own rights away, and others must be able to ask for the lock.
        try? file.setMode(0o600)
        let result = file.lock(.exclusive)
        if case .failed(let error) = result { throw error }
        // Another process may have taken the file for a dead deliverer's before it was locked, and removed it. A lock
        // on a file without a name would prove nothing.
        guard result == .taken, file.hasName else { continue }
        self.name = name
        self.path = path
        self.file = file
        return
      } catch {
        guard error.code == EEXIST else { throw PrivateFile.failure(error.code, at: path) }
      }
    }
  }

  deinit {
    // The name goes first: a name that is found must have its lock held as long as the deliverer lives.
    unsafe unlink(path)
    file.close()
  }

  /// Whether the owner of that name lives. The file of a dead one is removed.
  static func isAlive(_ name: String, in home: HomeDirectory) -> Bool {
    let path = path(of: name, in: home)
    do throws(SystemError) {
      let file = try Descriptor.open(path, flags: O_RDWR, mode: 0)
      guard file.lock(.exclusive) == .taken else { return true }
      unsafe unlink(path)
      file.close()
      return false
    } catch {
      // A file that is there but cannot be opened proves nothing: sending twice is worse than sending late.
      return error.code != ENOENT
    }
  }

  /// Removes what deliverers that died without a claim left behind.
  static func removeDead(in home: HomeDirectory) {
    for file in PrivateFile.names(in: home.deliverersDirectory) where file.hasSuffix(".lock") {
      _ = isAlive(String(file.dropLast(5)), in: home)
    }
  }

  private static func path(of name: String, in home: HomeDirectory) -> String {
    "\(home.deliverersDirectory)/\(name).lock"
  }
}
