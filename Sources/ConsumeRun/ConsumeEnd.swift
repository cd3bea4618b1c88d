// SPDX-License-Identifier: Apache-2.0
/// How a member ended: an exit status, and a sentence unless all is well.
public struct ConsumeEnd: Error, Sendable {
  /// 0 done or drained; 1 stopped; 75 fenced; 78 it cannot work like this.
  public let status: Int32
  /// Ends in what to do.
  public let sentence: String?

  static let done = ConsumeEnd(status: 0, sentence: nil)
  /// Asked to end while it waited for brokers.
  public static let endedEarly = ConsumeEnd(status: 0, sentence: "ended before it joined the group; no request ran.")

  /// An end of a given status.
  public init(status: Int32, sentence: String?) {
    self.status = status
    self.sentence = sentence
  }
}
