// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import StateStore

/// Where files without a name are made.
enum ScratchFolder {
  static var path: String {
    HomeDirectory.processVariable("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
  }

  /// The failure for a file in it that cannot be written or read.
  static func failure(_ error: SystemError, status: Int32) -> CommandError {
    CommandError(
      exitCode: status,
      sentence: "cannot use a temporary file in \(path): \(error); make room there, or set TMPDIR to another folder.")
  }
}
