// SPDX-License-Identifier: Apache-2.0
internal import StateStore

/// Where files without a name are made.
enum ScratchFolder {
  static var path: String {
    HomeDirectory.processVariable("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
  }
}
