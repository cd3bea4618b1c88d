// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Delivery
internal import Glibc
internal import Platform
internal import RunModel
internal import StateStore

/// `algo-run outbox deliver`: once, or as a service.
enum OutboxDeliverCommand {
  static func run(_ invocation: Invocation, _ home: HomeDirectory) throws -> Int32 {
    let follows = invocation.flag("follow")
    // Before librdkafka starts its threads, so that none of them can take these.
    let stop = StopSignals()
    let connections = ConnectionStore(home: home)
    let delivery = try OutboxDelivery(
      home: home, readConnection: { () throws(StateError) in try connections.latest() },
      report: DeliveryPrinter(of: "payloads").print)
    if follows { Message.print("delivering what waits in \(home.path), until stopped") }
    let importer = JournalImporter(home: home, .idle)
    var nextImport = MonotonicInstant.now()
    let figures = try delivery.run(follows: follows) {
      if nextImport <= .now() {
        nextImport = .now() + .seconds(60)
        importer.start()
      }
      return stop.received != nil
    }
    importer.close()
    var parts = ["\(figures.delivered) delivered"]
    if figures.expired > 0 { parts.append("\(figures.expired) expired") }
    if figures.dropped > 0 { parts.append("\(figures.dropped) dropped") }
    if figures.rejected > 0 { parts.append("\(figures.rejected) rejected") }
    if figures.removed > 0 { parts.append("\(figures.removed) removed (--retention)") }
    if figures.waiting > 0 { parts.append("\(figures.waiting) waiting") }
    if figures.elsewhere > 0 { parts.append("\(figures.elsewhere) in the hands of another process") }
    Message.print(parts.joined(separator: ", "))
    if follows { return 0 }
    if stop.received == SIGINT { return 130 }
    return figures.isComplete ? 0 : 1
  }
}

/// SIGTERM and SIGINT as a question instead of an interruption. For the life of the process.
private final class StopSignals {
  private var wanted = sigset_t()
  private var taken: Int32?

  init() {
    sigemptyset(&wanted)
    sigaddset(&wanted, SIGTERM)
    sigaddset(&wanted, SIGINT)
    pthread_sigmask(SIG_BLOCK, &wanted, nil)
  }

  /// The signal that came first; nil while none has.
  var received: Int32? {
    if taken == nil {
      var atOnce = timespec(tv_sec: 0, tv_nsec: 0)
      let number = sigtimedwait(&wanted, nil, &atOnce)
      if number > 0 { taken = number }
    }
    return taken
  }
}
