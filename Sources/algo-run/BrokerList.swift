// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import KafkaClient

/// The value of `--brokers`: addresses with commas between them.
enum BrokerList {
  /// - Parameter assumedPort: the port of an address without one; nil for Kafka's.
  /// - Returns: the addresses as librdkafka takes them.
  static func parse(
    _ list: String, assumedPort: Int?, _ invocation: Invocation
  ) throws(UsageError) -> [String] {
    let texts = list.split(separator: ",", omittingEmptySubsequences: false)
    if texts.count > 1, texts.contains("") {
      let isLast = texts.last == "" && texts.dropLast().allSatisfy { !$0.isEmpty }
      throw invocation.invalid(
        "brokers", value: list,
        expected: isLast ? "no comma after the last address" : "one comma between two addresses")
    }
    return try texts.map { text throws(UsageError) in
      do throws(BrokerAddress.Problem) {
        let full = assumedPort.map { text.contains(":") ? String(text) : "\(text):\($0)" } ?? String(text)
        return try BrokerAddress(validating: full).description
      } catch {
        // A space belongs to no address, so the whole list shows it better.
        throw invocation.invalid(
          "brokers", value: error == .space ? list : String(text), expected: expectation(of: error))
      }
    }
  }

  private static func expectation(of problem: BrokerAddress.Problem) -> String {
    switch problem {
    case .noHost: "addresses such as host1:9092,host2:9092"
    case .space: "no spaces, as in host1:9092,host2:9092"
    case .scheme(let scheme): "HOST:PORT without '\(scheme)://'"
    case .path: "HOST:PORT without a '/'; name the topic with --topic"
    case .user: "HOST:PORT without '@'; name the user with --username"
    case .port: "a port from 1 to 65535 after the colon"
    case .noBrackets: "an IPv6 address in brackets, as in [::1]:9092"
    case .noIPv6Address: "an IPv6 address between the brackets, as in [::1]:9092"
    case .hostTooLong: "a host name of at most 253 characters, at most 63 between two dots"
    case .hostName:
      "a host name of letters, digits, '-' and '_' with single dots between its parts, none of which begins or ends "
        + "with '-'"
    }
  }
}
