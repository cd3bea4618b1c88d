// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import Platform
internal import RunModel

/// Counts requests for `/metrics`, by OpenTelemetry's names. Only templates of paths are labels: a client could send any
/// number of paths.
struct HTTPMetrics {
  fileprivate struct Key: Hashable {
    let method: String
    let route: String
    let status: Int
  }

  private static let methods: Set<String> = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE",
  ]

  private var durations: [Key: Histogram] = [:]
  private var active: [String: Int] = ["GET": 0, "POST": 0]

  /// A request was admitted.
  mutating func began(_ exchange: HTTPExchange) { active[Self.method(exchange), default: 0] += 1 }

  /// A request is over. One whose client left is counted as nginx does, with status 499.
  mutating func ended(_ exchange: HTTPExchange, route: String?) {
    let method = Self.method(exchange)
    if exchange.isAdmitted { active[method, default: 1] -= 1 }
    let key = Key(
      method: method, route: route ?? "unmatched", status: exchange.isAborted ? 499 : exchange.status ?? 499)
    durations[key, default: .short].add(MonotonicInstant.now() - exchange.beganAt)
  }

  /// The library refused a request, of which at most the path is known; its duration counts as 0.
  mutating func refused(_ refusal: HTTPRefusal) {
    durations[Key(method: "_OTHER", route: "unmatched", status: refusal.status), default: .short].add(.zero)
  }

  func write(to text: inout MetricsText) {
    text.family("http_server_request_duration_seconds", .histogram, "Duration of HTTP requests.")
    for (key, histogram) in durations.sorted(by: { $0.key.sortKey < $1.key.sortKey }) {
      text.samples(
        histogram,
        [
          ("http_request_method", key.method), ("http_route", key.route),
          ("http_response_status_code", "\(key.status)"),
        ])
    }
    text.family("http_server_active_requests", .gauge, "HTTP requests that are being answered.")
    for (method, count) in active.sorted(by: { $0.key < $1.key }) {
      text.sample(count, [("http_request_method", method)])
    }
  }

  private static func method(_ exchange: HTTPExchange) -> String {
    methods.contains(exchange.request.method) ? exchange.request.method : "_OTHER"
  }
}

extension HTTPMetrics.Key {
  fileprivate var sortKey: (String, String, Int) { (route, method, status) }
}
