// SPDX-License-Identifier: Apache-2.0

/// A request that the library refused by itself, with a response of its own: no application can answer it.
public struct HTTPRefusal {
  /// The status of the response.
  public let status: Int
  /// The path as it was sent, without query; nil if the request line was refused.
  public let path: String?
  /// The client's address, or `unix`; nil with the path.
  public let clientAddress: String?
}

/// The refusals of one listener. The library reports each in its log, where only the status is known. If it had read the
/// request line, it reports the end of the request, too: in the same run or the next one, as the response is short.
struct HTTPRefusals {
  private var waiting: [(status: Int, isOld: Bool)] = []

  /// Whether another run shows what is known of them.
  var areWaiting: Bool { !waiting.isEmpty }

  /// Takes a line of the library's log.
  mutating func logged(_ message: String) {
    let opening = "Error processing request (HTTP response code is "
    if message.hasPrefix(opening), let status = Int(message.dropFirst(opening.count).prefix { $0.isNumber }) {
      waiting.append((status, false))
    } else if message.hasPrefix("Too late to send an error response") {
      _ = waiting.popLast()
    }
  }

  /// A request ended by a response of the library. Returns whether it was not reported yet.
  mutating func take(_ status: Int) -> Bool {
    guard let index = waiting.firstIndex(where: { $0.status == status }) else { return false }
    waiting.remove(at: index)
    return true
  }

  /// After a run: those of which no more will be known than the status.
  mutating func takeRest() -> [HTTPRefusal] {
    let rest = waiting.filter(\.isOld)
    waiting = waiting.filter { !$0.isOld }.map { ($0.status, true) }
    return rest.map { HTTPRefusal(status: $0.status, path: nil, clientAddress: nil) }
  }
}
