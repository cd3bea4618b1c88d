internal import Platform
internal import RunModel
internal import StateStore

/// Appends a batch's payloads to a file; what the file does not take waits in the outbox until it does, together with
/// what others left there. Lives on the delivery thread.
///
/// While the file takes everything the outbox is only looked at, and where there is none none is made.
final class FileCourier: PayloadCourier {
  /// How often waiting records are looked for, and a file that took nothing is tried again.
  static let claimPause = Duration.milliseconds(500)
  /// Records appended with one write.
  static let claimGroup = 1000
  private static let obstacle = "payloads wait in the outbox"

  private let connection: Connection
  private let home: HomeDirectory
  private let sink: FileSink
  private let say: (String) -> Void
  private let count: (PayloadChange) -> Void
  private let records: BatchRecords
  private var store: OutboxAccess
  private var outbox: Outbox?
  private var carrier: FileCarrier?
  /// Why the file took nothing when it was last tried; nil where it did.
  private var refusal: String?
  /// At the start, too: others may have left some.
  private var isMoreWaiting = true
  private var nextClaim: MonotonicInstant

  init(
    connection: Connection, home: HomeDirectory, say: @escaping (String) -> Void,
    count: @escaping (PayloadChange) -> Void
  ) {
    self.connection = connection
    self.home = home
    self.say = say
    self.count = count
    sink = FileSink(path: connection.filePath ?? home.insightsFile)
    records = BatchRecords(connection: connection, say: say, count: count)
    store = OutboxAccess(home: home)
    nextClaim = MonotonicInstant.now()
  }

  var patience: Int32 { isMoreWaiting ? 0 : records.waiting > 0 ? 100 : 1000 }

  func take(_ payloads: [QueuedPayload]) -> [SettledPayload] {
    let written: Int
    do throws(FileSinkError) {
      if sink.path == home.insightsFile { try? home.create() }
      written = try sink.append(payloads.map(\.record.value))
    } catch {
      return settleInOutbox(payloads, because: error)
    }
    if refusal != nil {
      refusal = nil
      isMoreWaiting = true
    }
    count(.delivered(written))
    let settled = payloads[..<written].map { SettledPayload(ticket: $0.ticket, delivery: Delivery(.written)) }
    guard written < payloads.count else { return settled }
    return settled + settleInOutbox(Array(payloads[written...]), because: sink.slowReader)
  }

  func turn() {
    let now = MonotonicInstant.now()
    do throws(StateError) {
      if isMoreWaiting || nextClaim <= now {
        isMoreWaiting = false
        nextClaim = now + Self.claimPause
        findOutbox()
        if let outbox, let carrier = try carrier(of: outbox) { try deliverWaiting(carrier) }
      }
      if let outbox { try records.care(for: outbox, isIdle: carrier?.isStored ?? true, cause: refusal ?? "") }
    } catch {
      // What could not be written is kept and tried again; a line may come twice for it, under the same key.
      records.sayOnce("delivery is held up: \(error)")
    }
  }

  func finish() {
    guard let outbox else { return }
    do throws(StateError) {
      if let carrier { try storeOutcomes(carrier) }
      try records.endWindows(outbox, cause: refusal ?? "")
    } catch { records.sayOnce("delivery ended with the outbox behind: \(error)") }
    // A log that stays long only costs whoever opens it next a few milliseconds.
    if carrier != nil { try? outbox.shortenLog() }
  }

  /// One group of those that wait, to the file.
  private func deliverWaiting(_ carrier: FileCarrier) throws(StateError) {
    try storeOutcomes(carrier)
    let claim = try carrier.claim()
    store.report(corrupt: claim.corrupt, say)
    try storeOutcomes(carrier)
    if claim.count > 0 {
      refusal = carrier.problem
      isMoreWaiting = refusal == nil && claim.count + claim.corrupt.count >= Self.claimGroup
    }
    if let refusal {
      records.sayOnce("\(Self.obstacle) (\(refusal))")
    } else if records.waiting == 0, records.forget(Self.obstacle) {
      // Not before what waited is written: a file that only takes a line now and then would be told of all the time.
      say("the file can be written again")
    }
  }

  private func storeOutcomes(_ carrier: FileCarrier) throws(StateError) {
    let written = carrier.written
    try carrier.store()
    for record in written { records.end(record, .delivered) }
  }

  private func settleInOutbox(_ payloads: [QueuedPayload], because reason: FileSinkError) -> [SettledPayload] {
    let entries = payloads.map { OutboxEntry($0.record, window: connection.deliveryWindow) }
    let isDelivering: Bool
    do throws(StateError) {
      outbox = outbox ?? store.open()
      store.takeNotes().forEach(say)
      guard let outbox else {
        return records.settleAside(payloads, entries, in: store, because: nil, after: "\(reason)")
      }
      let numbers = try outbox.append(entries)
      isDelivering = (try? carrier(of: outbox)) != nil
      if isDelivering { records.add(numbers) }
    } catch {
      return records.settleAside(payloads, entries, in: store, because: error, after: "\(reason)")
    }
    // Without a token nobody is going to deliver them while this batch runs.
    if !isDelivering { count(.left(payloads.count)) }
    refusal = "\(reason)"
    nextClaim = MonotonicInstant.now() + Self.claimPause
    records.sayOnce("\(Self.obstacle) (\(reason))")
    return payloads.map { SettledPayload(ticket: $0.ticket, delivery: Delivery(.queued, detail: "\(reason)")) }
  }

  /// The outbox, if the home has one by now.
  private func findOutbox() {
    guard outbox == nil else { return }
    do throws(StateError) {
      if !FallbackFile.exists(in: home) {
        outbox = try Outbox.existing(home: home)
        return
      }
    } catch {}
    outbox = store.open()
    store.takeNotes().forEach(say)
  }

  /// What takes records from the outbox to the file; made when the first waits, because it needs a file of its own.
  private func carrier(of outbox: Outbox) throws(StateError) -> FileCarrier? {
    if let carrier { return carrier }
    guard try outbox.pendingCount() > 0 || FallbackFile.exists(in: home), let token = store.token() else { return nil }
    try? outbox.useLongLog()
    carrier = FileCarrier(sink, outbox: outbox, token: token, atOnce: Self.claimGroup)
    return carrier
  }
}
