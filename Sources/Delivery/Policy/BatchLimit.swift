// SPDX-License-Identifier: Apache-2.0
/// How large record batches may be, found out from the batches that the broker refuses.
///
/// A broker's limit on size (`max.message.bytes`) applies to a whole batch, and librdkafka then fails every record of
/// the batch. So batches shrink to a quarter at each refusal, and below the last size records are sent one at a time: a
/// record that is refused alone is at fault itself. Acknowledgements make batches grow again, after a refusal later
/// than before, so that a limit that is merely small does not cost a refused batch again and again.
///
/// Pure; a part of ``DeliveryPolicy``.
struct BatchLimit {
  /// Acknowledged records after which batches grow: a few batches of the default size. Doubles with each refusal.
  static let firstGrowth = 1000
  static let latestGrowth = 1_000_000

  /// How often batches may be quartered: 1 MB, librdkafka's default, down to 15 KB, which is twenty records or so.
  static let manyQuarterings = 3

  /// How often the size of batches has been quartered.
  private(set) var quarterings = 0
  /// Set while a producer is in use that was made for another size. It gets no more records, and is replaced once those
  /// that it has have been reported: a record that was taken back from it instead could reach the topic twice.
  private(set) var needsNewProducer = false
  /// Records still to be sent alone.
  private(set) var recordsToSendAlone = 0

  private let mostQuarterings: Int
  private var acknowledged = 0
  private var growsAfter = Self.firstGrowth

  init(mostQuarterings: Int) { self.mostQuarterings = mostQuarterings }

  /// A record was refused that shared a batch with others, or may have.
  mutating func refusedAmongOthers() {
    // The other records of larger batches give no information about the next size.
    guard !needsNewProducer else { return }
    guard quarterings < mostQuarterings else {
      recordsToSendAlone += 1
      return
    }
    quarterings += 1
    needsNewProducer = true
    acknowledged = 0
    growsAfter = min(growsAfter * 2, Self.latestGrowth)
  }

  /// A record was refused that was alone in its batch, and thereby rejected.
  mutating func refusedAlone() {
    recordsToSendAlone = max(0, recordsToSendAlone - 1)
    // The batches were refused because of this record, and not because of their size.
    growsAfter = Self.firstGrowth
  }

  /// A record was acknowledged.
  mutating func acknowledged(alone: Bool) {
    if recordsToSendAlone > 0 {
      if alone { recordsToSendAlone -= 1 }
      return
    }
    guard quarterings > 0, !needsNewProducer else { return }
    acknowledged += 1
    guard acknowledged >= growsAfter else { return }
    acknowledged = 0
    quarterings -= 1
    needsNewProducer = true
  }

  /// A producer was made for the present size.
  mutating func producerWasMade() { needsNewProducer = false }
}
