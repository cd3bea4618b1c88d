internal import RunModel
internal import StateStore

/// Appends a batch's payloads to a file. Lives on the delivery thread.
final class FileCourier: PayloadCourier {
  private let connection: Connection
  private let home: HomeDirectory
  private let sink: FileSink
  private let say: (String) -> Void
  private let count: (PayloadChange) -> Void
  private var store: OutboxAccess
  private var said: Set<String> = []

  init(
    connection: Connection, home: HomeDirectory, say: @escaping (String) -> Void,
    count: @escaping (PayloadChange) -> Void
  ) {
    self.connection = connection
    self.home = home
    self.say = say
    self.count = count
    sink = FileSink(path: connection.filePath ?? home.insightsFile)
    store = OutboxAccess(home: home)
  }

  var patience: Int32 { 1000 }

  func take(_ payloads: [QueuedPayload]) -> [SettledPayload] {
    do throws(FileSinkError) {
      if sink.path == home.insightsFile { try? home.create() }
      try sink.append(payloads.map(\.record.value))
    } catch {
      return settleInOutbox(payloads, because: error)
    }
    count(.delivered(payloads.count))
    return payloads.map { SettledPayload(ticket: $0.ticket, delivery: Delivery(.written)) }
  }

  func turn() {}
  func finish() {}

  private func settleInOutbox(_ payloads: [QueuedPayload], because reason: FileSinkError) -> [SettledPayload] {
    let entries = payloads.map { OutboxEntry($0.record, window: connection.deliveryWindow) }
    var delivery = Delivery(.queued, detail: "\(reason)")
    do throws(StateError) {
      if let outbox = store.open() {
        try outbox.append(entries)
        sayOnce("payloads wait in the outbox (\(reason))")
      } else {
        delivery = store.keepAside(entries, because: nil, after: "\(reason)", sayOnce)
      }
    } catch {
      delivery = store.keepAside(entries, because: error, after: "\(reason)", sayOnce)
    }
    // Nobody is going to deliver them while this batch runs.
    count(delivery.state == .queued ? .left(payloads.count) : .lost(payloads.count))
    return payloads.map { SettledPayload(ticket: $0.ticket, delivery: delivery) }
  }

  private func sayOnce(_ line: String) {
    if said.insert(line).inserted { say(line) }
  }
}
