// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import Platform
internal import RunModel

/// One line a request on stderr, without inputs, results and secrets: also the query is left out. The lines of a turn of
/// the loop are written together.
struct AccessLog {
  /// The members of a line; nil for those that are not known of a request that the library refused.
  private struct Line {
    var method: String?
    var path: String?
    var status: Int
    var duration: String?
    var received = 0
    var sent = 0
    var id: String?
    var clientRequestID: String?
    var key: String?
    var client: String?
  }

  private let asJSON: Bool
  private let stream: MessageStream
  private var lines: [UInt8] = []
  private var count = 0

  init(asJSON: Bool, to stream: MessageStream = .standardError) {
    self.asJSON = asJSON
    self.stream = stream
  }

  mutating func add(_ exchange: HTTPExchange, key: String?) {
    add(
      Line(
        method: exchange.request.method, path: exchange.request.target.rawPath,
        status: exchange.isAborted ? 499 : exchange.status ?? 0,
        duration: MonotonicInstant.now().duration(since: exchange.beganAt).millisecondsText,
        received: exchange.body.count, sent: exchange.responseSize, id: exchange.id,
        clientRequestID: exchange.clientRequestID, key: key, client: exchange.clientAddress))
  }

  mutating func add(_ refusal: HTTPRefusal) {
    add(Line(path: refusal.path, status: refusal.status, client: refusal.clientAddress))
  }

  /// Writes the lines that were added.
  mutating func flush() {
    guard count > 0 else { return }
    if asJSON { stream.draw(lines) } else { stream.print(lines, count: count) }
    lines.removeAll(keepingCapacity: true)
    count = 0
  }

  private mutating func add(_ line: Line) {
    count += 1
    let method = line.method.map { TerminalText.escaped($0, limit: 20) }
    let path = line.path.map { TerminalText.escaped($0, limit: 512) }
    guard asJSON else {
      // Part by part into bytes: an interpolation costs several times as much.
      for part in [
        MessageStream.prefix, method ?? "-", " ", path ?? "-", " ", String(line.status), " ", line.duration ?? "-",
        " ms in=", String(line.received), " out=", String(line.sent), " id=", line.id ?? "-", " key=", line.key ?? "-",
        " from=", line.client ?? "-", "\n",
      ] { lines.append(contentsOf: part.utf8) }
      return
    }
    var json = JSONWriter()
    json.beginObject()
    json.member("time", WallClock.now().description)
    if let method { json.member("method", method) }
    if let path { json.member("path", path) }
    json.member("status", integer: line.status)
    if let duration = line.duration { json.member("duration_milliseconds", number: duration) }
    json.member("request_bytes", integer: line.received)
    json.member("response_bytes", integer: line.sent)
    if let id = line.id { json.member("request_id", id) }
    if let own = line.clientRequestID { json.member("http_request_id", own) }
    if let key = line.key { json.member("key", key) }
    if let client = line.client { json.member("client", client) }
    json.endObject()
    lines += json.bytes
    lines.append(UInt8(ascii: "\n"))
  }
}
