// SPDX-License-Identifier: Apache-2.0
/// The outcome of a record.
package enum RecordEnding: Equatable {
  case delivered
  /// The broker can never accept it.
  case rejected(String)
  /// Its window is over.
  case expired(String)
  /// An attempt failed, and another one follows.
  case postponed(String)
}
