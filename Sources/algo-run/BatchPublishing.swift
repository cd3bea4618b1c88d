internal import Delivery
internal import RunModel
internal import StateStore

extension Situation {
  /// The file that payloads are appended to; nil where they go to Kafka, or nowhere.
  var insightsFile: String? {
    if stateIsUnreadable { return home?.fallbackFile }
    guard let connection else { return home?.insightsFile }
    return connection.kind == .file ? connection.filePath : nil
  }

  /// Who takes the payloads of a batch: the connection's, or the file in the home; the fallback file if the state could
  /// not be read. Nil without a home.
  func payloadQueue() -> (any PayloadQueue)? {
    guard let home else { return nil }
    return BatchPublisher(connection: connection, home: home, isVerified: !stateIsUnreadable) { Message.tell($0) }
  }
}
