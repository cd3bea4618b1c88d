// SPDX-License-Identifier: Apache-2.0
/// The promises that every schedule must keep.
public enum Promise: String, Sendable, CaseIterable {
  /// A payload that was reported as safe arrives, or can be listed.
  case nothingIsLost
  /// All that arrives was submitted, and is as it was submitted.
  case nothingIsInvented
  /// A record is not sent after its acknowledgement, except after a crash.
  case nothingIsSentAfterItsAcknowledgement
  /// States, counts and flags that are reported are true.
  case reportsAreTrue
  /// Once all is well, each record arrives, or ends with its window.
  case everythingEnds
}
