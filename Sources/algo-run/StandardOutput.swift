// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// Results go to stdout, whole or not at all.
enum StandardOutput {
  /// False if it could not all be written; that is reported on stderr unless the reader has simply gone.
  static func write(_ text: String) -> Bool { write(Array(text.utf8)) }

  /// The same for bytes.
  static func write(_ bytes: [UInt8]) -> Bool {
    do throws(SystemError) {
      try Descriptor.standardOutput.writeAll(bytes)
      return true
    } catch {
      if error.code != EPIPE {
        Message.print("cannot write the result: \(error); send stdout to a file or pipe that takes it.")
      }
      return false
    }
  }
}
