// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

extension DeliveryWorker {
  /// A worker for the outbox of a home, to where `connection` points.
  ///
  /// - Parameter waker: is woken whenever the destination has events.
  convenience init(
    _ connection: Connection, _ access: OutboxAccess, _ home: HomeDirectory, _ scope: DeliveryScope, waker: Waker
  ) {
    // With a broker the outbox is needed anyway, and it knows whether the broker is down.
    if connection.kind != .file { _ = try? access.open() }
    let destination: any Destination =
      connection.kind == .file
      ? FileDestination(connection, home: home, waitLimit: FileSink.longestWait)
      : KafkaDestination(connection, traffic: .many, waker: waker)
    self.init(connection, access, destination, scope)
  }
}
