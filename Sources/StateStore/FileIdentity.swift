// SPDX-License-Identifier: Apache-2.0
internal import Platform

extension FileIdentity {
  /// The file of that name in the home, and its size in bytes; nil if there is none.
  static func of(_ path: String) throws(StateError) -> (file: FileIdentity, size: Int)? {
    do throws(SystemError) { return try lookUp(path) } catch { throw PrivateFile.failure(error.code, at: path) }
  }
}
