// SPDX-License-Identifier: Apache-2.0
import Delivery
import Glibc
import Platform
import RunModel
import StateStore
// The release build does not import it unasked. Here it has the clock.
import _Concurrency

/// Gives a batch's delivery many payloads together and prints how many a second are stored, produced and acknowledged.
///
///     delivery-bench HOME PAYLOADS [BROKERS TOPIC]        without brokers: the file in HOME
@main
struct DeliveryBench {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 || arguments.count == 5, let count = Int(arguments[2]) else {
      print("usage: delivery-bench HOME PAYLOADS [BROKERS TOPIC]")
      exit(64)
    }
    let connection =
      arguments.count == 5
      ? Connection(kind: .plaintext, topic: arguments[4], brokers: arguments[3].split(separator: ",").map(String.init))
      : nil
    let home = try HomeDirectory(path: arguments[1])
    let records = (0..<count).map(record)

    let loop = try EventLoop()
    let publisher = try DeliveryThread(connection: connection, home: home, waking: loop) { print("reported: \($0)") }
    let time = ContinuousClock().measure {
      for record in records { _ = publisher.enqueue(record) }
      while publisher.counts.waiting > 0 {
        loop.turn(until: .now() + .milliseconds(5))
        _ = publisher.takeDurable()
      }
    }
    let counts = publisher.counts
    publisher.close()
    guard counts.delivered == count else {
      print("only \(counts.delivered) of \(count) payloads were delivered, \(counts.undelivered) undelivered")
      exit(1)
    }
    print("\(connection == nil ? "file" : "broker")\t\(Int(Double(count) / (time / .seconds(1))))\tpayloads/s")
  }

  /// As large as the payload of an execution with eight metrics.
  private static func record(_ number: Int) -> InsightsRecord {
    let key = "req-9f53b6a0-6a3c-4c58-9d54-\(100_000_000_000 + number)"
    let metrics = (0..<8).map { ",\"feature_\($0)_drift\":0.\(number % 9999)" }.joined()
    let value =
      "{\"request_id\":\"\(key)\",\"timestamp\":\"2021-02-20T00:21:54.867231Z\",\"duration_milliseconds\":8.412,"
      + "\"algorithm_owner\":\"asli\",\"algorithm_name\":\"approval\",\"algorithm_version\":\"1.0.6\"" + metrics + "}"
    return InsightsRecord(
      key: key, value: Array(value.utf8),
      headers: [.init("ce_specversion", "1.0"), .init("ce_id", key), .init("algo_outcome", "succeeded")])
  }
}
