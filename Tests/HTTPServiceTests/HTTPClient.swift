// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform

@testable import HTTPService

/// Records what a server asks of it, and answers `ok`, or nothing until the test lets it.
final class RecordingApplication: HTTPApplication {
  var refusal: HTTPResponse?
  var answers = true
  var received: [HTTPExchange] = []
  var left = 0
  var ended: [HTTPExchange] = []
  var responses: [HTTPResponse] = []
  var refusals: [HTTPRefusal] = []

  func admit(_ exchange: HTTPExchange) -> HTTPResponse? { refusal }
  func receive(_ exchange: HTTPExchange) {
    received.append(exchange)
    if answers { exchange.respond(responses.isEmpty ? .text("ok\n") : responses.removeFirst()) }
  }
  func clientLeft(_ exchange: HTTPExchange) { left += 1 }
  func ended(_ exchange: HTTPExchange) { ended.append(exchange) }
  func refused(_ refusal: HTTPRefusal) { refusals.append(refusal) }
}

/// A server on a free port, in a loop that the test turns.
final class TestServer {
  let loop: EventLoop
  let application = RecordingApplication()
  let server: HTTPServer
  let port: UInt16

  init(_ change: (inout HTTPLimits) -> Void = { _ in }) throws {
    loop = try EventLoop()
    var limits = HTTPLimits()
    change(&limits)
    server = try HTTPServer(application, loop: loop, limits: limits)
    let socket = try ListeningSocket(.tcp(host: "127.0.0.1", port: 0))
    guard case .tcp(_, let port) = socket.address else { fatalError("no port") }
    self.port = port
    try server.listen(on: socket, allowedHosts: ["algo.test"])
  }

  deinit { server.close() }

  /// Turns the loop until `condition` holds; false if it does not within a minute.
  func turn(until condition: () -> Bool) -> Bool {
    let end = MonotonicInstant.now() + .seconds(300)
    while !condition() {
      guard .now() < end else { return false }
      let soon = MonotonicInstant.now() + .milliseconds(20)
      loop.turn(until: server.nextDue.map { min($0, soon) } ?? soon)
      server.advance()
    }
    return true
  }

  /// A connected client.
  func client() -> TestClient { TestClient(port) }

  /// The bytes that come back for `request` until the connection is closed or `ends` holds.
  func exchange(_ request: String, until ends: (String) -> Bool = { _ in false }) -> String {
    let client = client()
    client.send(request)
    _ = turn { client.receive() || ends(client.text) }
    return client.text
  }

  /// The status of the response to a request that asks for the end of its connection.
  func status(_ head: String, _ body: String = "") -> Int? {
    Int(exchange("\(head)\r\nConnection: close\r\n\r\n\(body)").split(separator: " ").dropFirst().first ?? "")
  }

  var host: String { "Host: 127.0.0.1:\(port)" }
}

/// A client whose socket never blocks.
final class TestClient {
  private var socket: Int32
  private var unsent: [UInt8] = []
  private(set) var text = ""
  private(set) var isClosed = false

  init(_ port: UInt16) {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    let result = withUnsafeBytes(of: address) {
      connect(socket, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    precondition(result == 0, "the server listens")
    _ = fcntl(socket, F_SETFL, O_NONBLOCK)
  }

  deinit { close() }

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) {
    unsent += bytes
    flush()
  }

  /// Takes what has come; true at the end of the connection.
  func receive() -> Bool {
    flush()
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while !isClosed {
      let count = recv(socket, &buffer, buffer.count, 0)
      if count > 0 {
        text += String(decoding: buffer[..<count], as: UTF8.self)
      } else if count == 0 || errno != EAGAIN {
        isClosed = true
      } else {
        break
      }
    }
    return isClosed
  }

  /// Sends no more, and still reads.
  func endSending() { shutdown(socket, Int32(SHUT_WR)) }

  /// A second call does nothing: by then the number may belong to another test's file.
  func close() {
    isClosed = true
    if socket >= 0 { Glibc.close(socket) }
    socket = -1
  }

  private func flush() {
    let count = Glibc.send(socket, unsent, unsent.count, Int32(MSG_NOSIGNAL))
    if count > 0 { unsent.removeFirst(count) }
  }
}
