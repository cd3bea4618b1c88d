// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import RunModel
internal import StateStore

extension RunContext {
  /// Who takes the payload of this execution.
  func publisher(deliveryWait: Duration?) -> any PayloadPublisher {
    guard let home else { return NoHomePublisher() }
    var connection = connection
    if let deliveryWait { connection?.deliveryWait = deliveryWait }
    let window = connection?.deliveryWindow ?? Connection.standardDeliveryWindow
    return ExecDelivery(
      connection: connection, home: home, isVerified: !stateIsUnreadable,
      report: DeliveryPrinter(ofOneWithin: window).print)
  }
}

/// There is nowhere to keep anything.
private final class NoHomePublisher: PayloadPublisher {
  func prepare() {}
  func publish(_ record: InsightsRecord, stored: (Delivery) -> Void) -> Delivery {
    let delivery = Delivery(.rejected, detail: "there is no home directory to keep the payload in")
    stored(delivery)
    return delivery
  }
}
