// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Messages of algo-run itself: lines on stderr, beside the algorithm's own.
enum Message {
  /// One line, in one write so that lines of several processes stay whole.
  static func print(_ sentence: String) { MessageStream.standardError.print(sentence) }
}
