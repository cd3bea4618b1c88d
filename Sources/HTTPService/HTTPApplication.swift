// SPDX-License-Identifier: Apache-2.0
/// Answers requests. All methods are called on the thread of the server.
public protocol HTTPApplication: AnyObject {
  /// The header of a request was read and is sound. Returns the response if the body is not wanted, or nil.
  func admit(_ exchange: HTTPExchange) -> HTTPResponse?
  /// A piece of the body arrived; ``HTTPExchange/body`` keeps it.
  func received(_ piece: UnsafeRawBufferPointer, of exchange: HTTPExchange)
  /// The whole request is there. Respond now or later, once.
  func receive(_ exchange: HTTPExchange)
  /// The client left before it got a response; none can be sent any more.
  func clientLeft(_ exchange: HTTPExchange)
  /// The exchange is over: for logs and counters.
  func ended(_ exchange: HTTPExchange)
  /// The library refused a request by itself, such as one with a malformed request line: for logs and counters.
  func refused(_ refusal: HTTPRefusal)
}

extension HTTPApplication {
  /// The whole body is enough.
  public func received(_ piece: UnsafeRawBufferPointer, of exchange: HTTPExchange) {}
}
