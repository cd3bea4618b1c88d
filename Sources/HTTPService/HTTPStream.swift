// SPDX-License-Identifier: Apache-2.0
/// The body of a response whose pieces come as they are made. Belongs to the thread of the server.
@safe public final class HTTPStream {
  /// Whether pieces still reach the client; false once the client left.
  public private(set) var isOpen = true
  /// Bytes that the client has not taken yet. One that reads too slowly is closed by its connection.
  public var waitingBytes: Int { pieces.count - taken }

  private var pieces: [UInt8] = []
  private var taken = 0
  private var isEnded = false
  private weak var exchange: HTTPExchange?

  init(_ exchange: HTTPExchange?) {
    self.exchange = exchange
    isOpen = exchange != nil
  }

  /// Sends a piece. One for a client that left is dropped.
  public func write(_ bytes: [UInt8]) {
    guard isOpen, !isEnded else { return }
    pieces.append(contentsOf: bytes)
    exchange?.goOn()
  }

  /// Ends the body.
  public func end() {
    isEnded = true
    exchange?.goOn()
  }

  /// The exchange is over, or the client left.
  func close() {
    isOpen = false
    pieces = []
    taken = 0
  }

  /// The answer to the library: a number of bytes, or one of its codes for the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let (endOfStream, failed) = (-1, -2)
    guard isOpen, let exchange else { return failed }
    let count = min(waitingBytes, buffer.count)
    if count > 0 {
      unsafe pieces.withUnsafeBytes { source in
        unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[taken..<taken + count]))
      }
      taken += count
      if taken == pieces.count { (pieces, taken) = ([], 0) }
      exchange.sent(count)
      return count
    }
    if isEnded { return endOfStream }
    // Without being suspended, the library would ask again and again.
    exchange.pause()
    return 0
  }
}
