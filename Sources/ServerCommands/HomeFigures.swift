// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

/// The figures of the home in `/metrics`: read on the ``StateThread``.
struct HomeFigures: Sendable {
  var versions: [PublishedVersion] = []
  var outbox = OutboxStatus()
  var isBrokerDown = false
  /// Empty as long as nothing needs the library.
  var librdkafka = ""
  let process = ProcessFigures()

  init(_ routes: StateRoutes) {
    versions = (try? routes.versions.lookup.store.versions()) ?? []
    if let outbox = try? Outbox.existing(home: routes.outbox.home) {
      self.outbox = (try? outbox.status()) ?? OutboxStatus()
      isBrokerDown = ((try? outbox.outage()) ?? nil)?.isKnown(at: WallClock.now()) ?? false
    }
    let connection = (try? routes.outbox.connections.connection()) ?? nil
    if let connection, connection.kind != .file { librdkafka = KafkaLibrary.version ?? "" }
  }
}
