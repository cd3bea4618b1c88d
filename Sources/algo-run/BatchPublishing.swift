internal import InsightsDelivery
internal import RunModel

extension Situation {
  /// Who takes the payloads of a batch: the connection's, or the file in the home. Nil without a home.
  func payloadQueue() -> (any PayloadQueue)? {
    home.map { BatchPublisher(connection: connection, home: $0, say: { Message.tell($0) }) }
  }
}
