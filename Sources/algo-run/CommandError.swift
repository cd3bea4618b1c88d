// SPDX-License-Identifier: Apache-2.0
/// A failure with an exit status that docs/contract.md names.
struct CommandError: Error {
  let exitCode: Int32
  /// One sentence that ends in what to do.
  let sentence: String
}
