// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import JSONText
internal import Platform
internal import RunModel

/// The part of ``FileSink`` that looks at a file which is there already.
extension FileSink {
  /// Bytes from the start that are looked at.
  private static let lookedAt = 65_536

  /// Finds out whether the path is a directory, or an existing file that holds anything that a reader of payloads would
  /// stumble over.
  ///
  /// - Returns: A sentence without its end; nil if nothing was found, or if the file cannot be read.
  public func foreignContent() -> String? {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      return "\(path) is a directory, and payloads wait in the outbox; name a file in it with --path"
    }
    guard let file = try? Descriptor.open(path, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY, mode: 0), file.isRegularFile,
      let bytes = try? file.readAll(limit: Self.lookedAt), !bytes.isEmpty
    else { return nil }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      var object = JSONMemberScanner()
      line.withUnsafeBytes { object.consume($0) { _ in } }
      // The last piece may continue behind the part that was read.
      let isPart = index == lines.count - 1 && file.size > bytes.count
      let isBlank = line.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
      guard isBlank || (isPart ? !object.hasFailed : object.isComplete) else {
        return "\(path) holds other data than payloads: line \(index + 1) is not a JSON object. It stays as it is, and "
          + "payloads are appended behind it; choose another --path unless that is meant"
      }
    }
    return nil
  }
}
