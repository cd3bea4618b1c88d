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

/// Keeps payloads in the fallback file until the state can be read, which shows whether their version has Insights on.
private final class FallbackPublisher: PayloadPublisher {
  private let home: HomeDirectory

  init(home: HomeDirectory) { self.home = home }

  func prepare() {}

  func publish(_ record: InsightsRecord) -> Delivery {
    let fallback = FallbackFile(home: home)
    do throws(StateError) {
      try fallback.append([OutboxEntry(record, window: Connection.standardDeliveryWindow)], isVerified: false)
      return Delivery(.queued, detail: "in \(fallback.path), to be delivered if its version has Insights on")
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
