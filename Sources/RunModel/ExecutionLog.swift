// SPDX-License-Identifier: Apache-2.0
/// Takes the record of each execution that ended: the history of a home.
public protocol ExecutionLog: AnyObject {
  /// Takes one record. Never throws and never waits.
  ///
  /// - Parameter inputSHA256: the hash of the input in hexadecimal; nil if it is unknown.
  func append(_ record: ExecutionRecord, inputSHA256: String?)
  /// Takes one record, which may be written by the next ``flush()`` only.
  func gather(_ record: ExecutionRecord, inputSHA256: String?)
  /// Writes what was gathered.
  func flush()
}
