// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import Platform
internal import RunModel

/// One line a request on stderr, without inputs, results and secrets: also the query is left out.
struct AccessLog {
  private let asJSON: Bool
  private let stream: MessageStream

  init(asJSON: Bool, to stream: MessageStream = .standardError) {
    self.asJSON = asJSON
    self.stream = stream
  }

  func write(_ exchange: HTTPExchange, key: String?) {
    let duration = MonotonicInstant.now().duration(since: exchange.beganAt).millisecondsText
    let status = exchange.isAborted ? 499 : exchange.status ?? 0
    let path = TerminalText.escaped(exchange.request.target.rawPath, limit: 512)
    let method = TerminalText.escaped(exchange.request.method, limit: 20)
    guard asJSON else {
      return stream.print(
        "\(method) \(path) \(status) \(duration) ms in=\(exchange.body.count) out=\(exchange.responseSize) "
          + "id=\(exchange.id) key=\(key ?? "-") from=\(exchange.clientAddress)")
    }
    var json = JSONWriter()
    json.beginObject()
    json.member("time", WallClock.now().description)
    json.member("method", method)
    json.member("path", path)
    json.member("status", integer: status)
    json.member("duration_milliseconds", number: duration)
    json.member("request_bytes", integer: exchange.body.count)
    json.member("response_bytes", integer: exchange.responseSize)
    json.member("request_id", exchange.id)
    if let own = exchange.clientRequestID { json.member("http_request_id", own) }
    if let key { json.member("key", key) }
    json.member("client", exchange.clientAddress)
    json.endObject()
    stream.draw(String(decoding: json.bytes, as: UTF8.self) + "\n")
  }
}
