// SPDX-License-Identifier: Apache-2.0
/// A list of strings as one value of the database: each ended by a NUL byte, which no argument and no variable holds.
enum StringList {
  /// The bytes of a list.
  static func encode(_ strings: [String]) -> [UInt8] { strings.flatMap { Array($0.utf8) + [0] } }

  /// The list in `bytes`; nil if the last member has no end.
  static func decode(_ bytes: [UInt8]) -> [String]? {
    guard bytes.isEmpty || bytes.last == 0 else { return nil }
    return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
      String(decoding: $0, as: UTF8.self)
    }
  }
}
