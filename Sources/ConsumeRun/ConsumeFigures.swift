// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// The counts of a member since its start.
struct ConsumeFigures {
  var outcomes: [Outcome: Int] = [:]
  /// Requests whose result is committed.
  var committed = 0
  var failed = 0
  var deadLetters = 0
  var redelivered = 0
  var abandoned = 0
  var commits = 0
  var commitTime = Duration.zero
  var lastCommit = Duration.zero
  var aborts = 0
  var rebalances = 0
  var rejections = 0
}
