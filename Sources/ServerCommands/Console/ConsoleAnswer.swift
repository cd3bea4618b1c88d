// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import HTTPService

/// The console's answer.
enum ConsoleAnswer: Sendable {
  case page([UInt8])
  /// To another page, which shows the notice.
  case seeOther(String, Notice? = nil)
  /// There is no such thing; one sentence.
  case notFound(String)

  /// Headers of every page. All that a page loads comes from this server; no other page may show it in a frame. The
  /// referrer is set by the page itself.
  static let headers: [(name: String, value: String)] = [
    (
      "Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
  ]

  static func response(_ page: [UInt8], status: Int = 200, headers: [(name: String, value: String)] = [])
    -> HTTPResponse
  {
    HTTPResponse(
      status: status, type: "text/html; charset=utf-8", body: .bytes(page), headers: Self.headers + headers)
  }

  static func redirection(to path: String, headers: [(name: String, value: String)] = []) -> HTTPResponse {
    response([], status: 303, headers: [("Location", path)] + headers)
  }
}
