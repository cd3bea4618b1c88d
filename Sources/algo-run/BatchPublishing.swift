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

  /// Who takes the payloads of a batch: the connection's, or the file in the home; the fallback file where nobody can
  /// tell whether they are to be published. Nil without a home.
  func payloadQueue() -> (any PayloadQueue)? {
    guard let home else { return nil }
    let connection = stateIsUnreadable ? Connection(kind: .file, filePath: home.fallbackFile) : connection
    return BatchPublisher(connection: connection, home: home, say: { Message.tell($0) })
  }
}
