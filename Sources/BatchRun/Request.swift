// SPDX-License-Identifier: Apache-2.0
/// One input for one execution, from a request list.
struct Request {
  /// Its place in the whole list, counted from 0 over all files.
  let index: Int
  /// The file it came from.
  let path: String
  /// Its line there, counted from 1; nil if the whole file is the request.
  let line: Int?
  /// The identifier that an envelope gave it.
  let requestID: String?
  /// The bytes for its child.
  let input: HashedInput
  /// Why it cannot be run: a bad envelope, or a file that is gone. Nil if it can.
  let problem: String?
  /// Which of several equal inputs of the list this is, counted from 1.
  var occurrence = 1

  /// `FILE:LINE`, or the file.
  var source: String { line.map { "\(path):\($0)" } ?? path }

  /// The key by which `--resume` finds it.
  var key: DiskHashTable.Key { DiskHashTable.Key(input.digest, occurrence: occurrence) }
}
