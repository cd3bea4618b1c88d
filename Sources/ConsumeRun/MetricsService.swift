// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import Platform

/// Answers `GET /metrics` of a member, in turns of its loop.
final class MetricsService: HTTPApplication {
  private let answer: (_ accept: String?) -> HTTPResponse
  private var server: HTTPServer?

  /// - Parameter answer: gives the figures at the moment of a request.
  /// - Throws: ``HTTPFailure`` if the address cannot be used.
  init(
    _ address: ListenAddress, loop: EventLoop, answer: @escaping (_ accept: String?) -> HTTPResponse
  ) throws(HTTPFailure) {
    self.answer = answer
    self.address = address
    let server = try HTTPServer(self, loop: loop, limits: HTTPLimits())
    let socket = try ListeningSocket(address)
    // Scrapers name the host as they know it.
    var hosts: [String] = []
    if case .tcp(let host, _) = socket.address { hosts = [host] }
    try server.listen(on: socket, allowedHosts: hosts)
    self.server = server
    self.address = socket.address
  }

  /// Where it listens.
  private(set) var address: ListenAddress

  func advance() { server?.advance() }
  var nextDue: MonotonicInstant? { server?.nextDue }
  func close() { server?.close() }

  func admit(_ exchange: HTTPExchange) -> HTTPResponse? {
    exchange.request.target.rawPath == "/metrics" && exchange.request.isSafe
      ? nil : .text("see /metrics\n", status: 404)
  }

  func receive(_ exchange: HTTPExchange) {
    exchange.respond(answer(exchange.request["accept"]))
  }

  func clientLeft(_ exchange: HTTPExchange) {}
  func ended(_ exchange: HTTPExchange) {}
  func refused(_ refusal: HTTPRefusal) {}
}
