internal import Delivery
internal import RunModel
internal import StateStore

extension Situation {
  /// Who takes the payload of this execution.
  func publisher(deliveryWait: Duration?) -> any PayloadPublisher {
    guard let home else { return NoHomePublisher() }
    guard !stateIsUnreadable else { return FallbackPublisher(home: home) }
    var connection = connection
    if let deliveryWait { connection?.deliveryWait = deliveryWait }
    return ExecPublisher(connection: connection, home: home) { Message.tell($0) }
  }
}

/// Keeps payloads in the fallback file, where nobody can tell whether they are to be published.
private final class FallbackPublisher: PayloadPublisher {
  private let home: HomeDirectory

  init(home: HomeDirectory) { self.home = home }

  func prepare() {}

  func publish(_ record: InsightsRecord) -> Delivery {
    do throws(FileSinkError) {
      try FileSink(path: home.fallbackFile).append([record.value])
      return Delivery(.queued, detail: "kept in \(home.fallbackFile), because the state could not be read")
    } catch {
      Message.tell("the payload is lost: \(error)")
      return Delivery(.rejected, detail: "\(error)")
    }
  }
}

/// There is nowhere to keep anything.
private final class NoHomePublisher: PayloadPublisher {
  func prepare() {}
  func publish(_ record: InsightsRecord) -> Delivery {
    Delivery(.rejected, detail: "there is no home directory to keep the payload in")
  }
}
