// SPDX-License-Identifier: Apache-2.0
/// An event of a producer: about a record, by the number it was handed over with, or about the connection.
public enum ProducerEvent: Sendable, Equatable {
  /// All in-sync replicas have it.
  case acknowledged(Int64)
  /// The library has given it up. `mayBePersisted`: it was sent and no answer came, so it may be on the topic.
  case failed(Int64, KafkaCause, mayBePersisted: Bool)
  /// Something is wrong with a connection. The library tries again by itself, for ever, and reports nothing else.
  case trouble(KafkaCause)
  /// The producer is finished: take the records back from it and make a new one.
  case fatal(KafkaCause)
}
