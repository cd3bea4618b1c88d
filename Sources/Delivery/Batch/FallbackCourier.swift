internal import RunModel
internal import StateStore

/// Keeps a batch's payloads in the fallback file until the state can be read, which shows whether their version has
/// Insights on. Lives on the delivery thread.
final class FallbackCourier: PayloadCourier {
  private let fallback: FallbackFile
  private let say: (String) -> Void
  private let count: (PayloadChange) -> Void
  private var hasReportedLoss = false

  init(home: HomeDirectory, say: @escaping (String) -> Void, count: @escaping (PayloadChange) -> Void) {
    fallback = FallbackFile(home: home)
    self.say = say
    self.count = count
  }

  let patience: Int32 = 1000

  func take(_ payloads: [QueuedPayload]) -> [SettledPayload] {
    let entries = payloads.map { OutboxEntry($0.record, window: Connection.standardDeliveryWindow) }
    let delivery: Delivery
    do throws(StateError) {
      try fallback.append(entries, isVerified: false)
      delivery = Delivery(.queued, detail: "in \(fallback.path), to be delivered if its version has Insights on")
      count(.left(payloads.count))
    } catch {
      if !hasReportedLoss { say("payloads are lost: \(error)") }
      hasReportedLoss = true
      delivery = Delivery(.rejected, detail: "\(error)")
      count(.lost(payloads.count))
    }
    return payloads.map { SettledPayload(ticket: $0.ticket, delivery: delivery) }
  }

  func turn() {}

  func finish() {}
}
