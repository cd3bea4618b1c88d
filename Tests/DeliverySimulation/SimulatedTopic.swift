// SPDX-License-Identifier: Apache-2.0
import KafkaClient
import Platform
import RunModel

/// The other end: a topic or a file, and its health.
final class SimulatedTopic {
  enum State { case up, down, refusesLogin, denies }

  let ledger: Ledger
  let time: SimulatedTime
  /// Bytes of the largest record batch that it takes.
  let limit: Int
  var state = State.up
  /// Whether nothing goes wrong any more.
  var isCalm = false
  let fault: PlantedFault?
  /// Requests on their way when their sender ended; some arrive all the same.
  private var stray: [(key: String, at: MonotonicInstant)] = []

  init(_ ledger: Ledger, _ time: SimulatedTime, limit: Int, fault: PlantedFault?) {
    self.ledger = ledger
    self.time = time
    self.limit = limit
    self.fault = fault
  }

  func addStray(_ key: String, at moment: MonotonicInstant) { stray.append((key, moment)) }

  /// Lets requests arrive that are due.
  func settle() {
    for request in stray where request.at <= time.elapsed { ledger.arrive(request.key) }
    stray.removeAll { $0.at <= time.elapsed }
  }
}

extension KafkaCause {
  static let tooLarge = KafkaCause(code: 10, text: "message too large")
  static let denied = KafkaCause(code: 29, text: "topic authorization failed")
  static let fewReplicas = KafkaCause(code: 19, text: "not enough in-sync replicas")
  static let timedOut = KafkaCause(code: -192, text: "message timed out")
  static let allDown = KafkaCause(code: -187, text: "all brokers are down")
  static let noLogin = KafkaCause(code: -169, text: "authentication failed")
  static let fatal = KafkaCause(code: -150, text: "fatal error")
  static let purgedInQueue = KafkaCause(code: -152, text: "purged in queue")
  static let purgedInFlight = KafkaCause(code: -151, text: "purged in flight")
  static let queueFull = KafkaCause(code: -184, text: "queue full")
  static let fileSystem = KafkaCause(code: -189, text: "the file takes nothing")
}
