// SPDX-License-Identifier: Apache-2.0
internal import CMicroHTTPD
internal import Glibc
public import Platform
internal import RunModel

/// One request and its response.
///
///     begin ─► header ─► body… ─► ready ─► application ─► response ─► end
///                                  └► suspended: only the connection's watch notices that the client leaves ─┘
@safe public final class HTTPExchange {
  /// The request.
  public let request: HTTPRequest
  /// The body; complete once the application receives the exchange.
  public private(set) var body = RequestBody()
  /// Identifies the request in the response, the log and the payload.
  public let id = RequestID.random()
  /// When the header was read.
  public let beganAt = MonotonicInstant.now()
  /// The application's record of it.
  public var context: AnyObject?
  /// The status of the response; nil before there is one.
  public private(set) var status: Int?
  /// Bytes of the response's body.
  public private(set) var responseSize = 0
  /// Whether the client left, or the connection failed, before the whole response was sent.
  public private(set) var isAborted = false

  /// Whether the application was asked about it: its header is sound.
  public private(set) var isAdmitted = false

  private let connection: HTTPConnection
  private let handle: OpaquePointer
  private var response: HTTPResponse?
  /// The body of a response that comes in pieces.
  private var stream: HTTPStream?
  /// The answer to the whole request; its body is read and dropped.
  private var refusal: HTTPResponse?
  private var isReceived = false
  private var isSuspended = false
  private var hasLeft = false
  private var dropped = 0

  init(_ request: HTTPRequest, on connection: HTTPConnection, handle: OpaquePointer) {
    self.request = request
    self.connection = connection
    unsafe self.handle = handle
  }

  /// The client's address, or `unix`.
  public var clientAddress: String { connection.clientAddress }

  /// Sends the response. A second one, and one for a client that left, is dropped.
  public func respond(_ response: HTTPResponse) {
    guard self.response == nil, !hasLeft else { return }
    self.response = response
    resume()
  }

  /// Sends status and headers of `head`, and then the bytes that are written to the stream. It is a closed one if there
  /// is a response already, or if the client left.
  public func respond(streaming head: HTTPResponse) -> HTTPStream {
    guard response == nil, !hasLeft else { return HTTPStream(nil) }
    let stream = HTTPStream(self)
    self.stream = stream
    response = head
    resume()
    return stream
  }

  // MARK: Calls of the library

  /// Refuses requests that are malformed or not wanted. Of a body that is not wanted a small one is read to its end:
  /// otherwise the connection would be reset, and the response lost with it.
  func header(_ malformed: HTTPResponse?) -> Int32 {
    if let malformed { return queue(malformed) }
    do throws(HeaderCheck.Refusal) {
      try connection.check.check(request)
    } catch {
      var response = HTTPResponse.error(error.status, error.message, requestID: id)
      response.closes = error.closes
      return error.closes ? queue(response) : refuse(response)
    }
    isAdmitted = true
    if let response = connection.application.admit(self) { return refuse(response) }
    if let length = request.declaredLength, length > connection.limits.maxBody { return refuse(tooLarge) }
    return 1
  }

  func receive(_ piece: UnsafeRawBufferPointer) -> Int32 {
    connection.progress(piece.count)
    if refusal != nil {
      dropped += piece.count
      return dropped > 2 * connection.limits.maxBody ? 0 : 1
    }
    guard body.count + piece.count <= connection.limits.maxBody else {
      body = RequestBody()
      dropped = piece.count
      refusal = tooLarge
      return 1
    }
    do throws(SystemError) {
      unsafe try body.append(piece, directory: connection.limits.spillDirectory)
      unsafe connection.application.received(piece, of: self)
    } catch {
      refusal = .error(503, "the body cannot be kept (\(error)); try again later.", requestID: id)
    }
    return 1
  }

  func ready() -> Int32 {
    if hasLeft { return 0 }
    if let response { return queue(response) }
    if let refusal { return queue(refusal) }
    if !isReceived {
      isReceived = true
      connection.application.receive(self)
      if let response { return queue(response) }
    }
    suspend()
    return 1
  }

  /// - Parameter status: of the response, which is the library's if the body was malformed; 0 for none.
  func end(_ code: Int32, _ status: Int) {
    isAborted = code != 0
    if self.status == nil, status > 0 {
      // The client got the library's response.
      (self.status, isAborted) = (status, false)
      connection.listener?.takeRefusal(status)
    }
    stream?.close()
    stream = nil
    connection.ended(self)
    connection.application.ended(self)
  }

  // MARK: Suspension

  /// A stream has nothing to send.
  func pause() { suspend() }

  /// A stream has something to send, or ended.
  func goOn() {
    guard isSuspended, stream != nil else { return }
    resume()
    connection.begin()
  }

  /// Bytes of the body were handed to the library.
  ///
  /// - Parameter isCounted: whether ``responseSize`` has them already.
  func sent(_ count: Int, isCounted: Bool = false) {
    if !isCounted { responseSize += count }
    connection.progress(count)
  }

  private func suspend() {
    isSuspended = true
    unsafe cmhd_suspend(handle)
    connection.wait(for: self)
  }

  private func resume() {
    guard isSuspended else { return }
    isSuspended = false
    unsafe cmhd_resume(handle)
    connection.resumed()
  }

  /// Gives the response up if it is still awaited: the client closed its side, or the server ends.
  func abandon() {
    guard isSuspended, response == nil || stream != nil else { return }
    hasLeft = true
    isAborted = true
    connection.shutDown()
    if let stream { stream.close() } else { connection.application.clientLeft(self) }
    resume()
  }

  // MARK: Responses

  private var tooLarge: HTTPResponse {
    .error(
      413, "the body is larger than \(connection.limits.maxBody) bytes; send less, or raise --max-body.",
      type: "TooLarge", requestID: id)
  }

  private func refuse(_ response: HTTPResponse) -> Int32 {
    let expectsContinue = request["expect"]?.lowercased() == "100-continue"
    if let length = request.declaredLength, length > RequestBody.memoryLimit || (expectsContinue && length > 0) {
      return queue(response)
    }
    refusal = response
    return 1
  }

  private func queue(_ response: HTTPResponse) -> Int32 {
    status = response.status
    responseSize = response.size ?? 0
    connection.respond(size: response.size ?? 0)
    let made: OpaquePointer?
    switch response.body {
    case .bytes where stream != nil:
      guard let stream else { return 0 }
      unsafe made = unsafe cmhd_response_from_reader(
        .max, { unsafe StreamReader.read($0, $2, $3) }, Unmanaged.passRetained(stream).toOpaque(),
        { if let context = unsafe $0 { unsafe Unmanaged<HTTPStream>.fromOpaque(context).release() } })
    case .bytes(let bytes):
      unsafe made = unsafe bytes.withUnsafeBytes { unsafe cmhd_response($0.baseAddress, $0.count) }
    case .file(let file): unsafe made = pull(FileReader(file), size: response.size)
    case .made(let body): unsafe made = pull(body.reader(), size: nil)
    }
    guard let made = unsafe made else { return 0 }
    // An answer that is sent again keeps the identifier of its execution.
    var (isCached, isIdentified) = (false, false)
    for (name, value) in response.headers {
      if name == "Cache-Control" { isCached = true }
      if name == "X-Algo-Request-ID" { isIdentified = true }
      _ = unsafe cmhd_add_header(made, name, value)
    }
    if !isCached { _ = unsafe cmhd_add_header(made, "Cache-Control", "no-store") }
    _ = unsafe cmhd_add_header(made, "X-Content-Type-Options", "nosniff")
    _ = unsafe cmhd_add_header(made, "X-Request-ID", clientRequestID ?? id)
    if !isIdentified { _ = unsafe cmhd_add_header(made, "X-Algo-Request-ID", id) }
    if response.closes || connection.closesAfterResponse { _ = unsafe cmhd_add_header(made, "Connection", "close") }
    return unsafe cmhd_queue(handle, UInt32(response.status), made)
  }

  /// A response whose body is read while it is sent.
  private func pull(_ reader: any HTTPBodyReader, size: Int?) -> OpaquePointer? {
    let source = BodySource(reader, self, isSized: size != nil)
    return unsafe cmhd_response_from_reader(
      size.map { UInt64($0) } ?? .max, { unsafe BodySource.read($0, $2, $3) },
      Unmanaged.passRetained(source).toOpaque(),
      { if let context = unsafe $0 { unsafe Unmanaged<BodySource>.fromOpaque(context).release() } })
  }

  /// The client's own identifier of the request, if it can be one.
  public var clientRequestID: String? {
    request["x-request-id"].flatMap { HTTPRequest.isIdentifier($0, limit: 128) ? $0 : nil }
  }
}

/// Hands the pieces of a stream to the library.
private enum StreamReader {
  static func read(_ context: UnsafeMutableRawPointer?, _ buffer: UnsafeMutablePointer<CChar>, _ count: Int) -> Int {
    guard let context = unsafe context else { return -2 }
    let stream = unsafe Unmanaged<HTTPStream>.fromOpaque(context).takeUnretainedValue()
    return unsafe stream.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: count))
  }
}

/// Hands the body of a response to the library, and reports progress to its exchange.
private final class BodySource {
  private let reader: any HTTPBodyReader
  private let exchange: HTTPExchange
  private let isSized: Bool

  init(_ reader: any HTTPBodyReader, _ exchange: HTTPExchange, isSized: Bool) {
    (self.reader, self.exchange, self.isSized) = (reader, exchange, isSized)
  }

  static func read(_ context: UnsafeMutableRawPointer?, _ buffer: UnsafeMutablePointer<CChar>, _ count: Int) -> Int {
    let (endOfStream, failed) = (-1, -2)
    guard let context = unsafe context else { return failed }
    let source = unsafe Unmanaged<BodySource>.fromOpaque(context).takeUnretainedValue()
    let target = unsafe UnsafeMutableRawBufferPointer(start: buffer, count: count)
    guard let read = unsafe try? source.reader.read(into: target) else { return failed }
    // A file that ends before its size is not a response.
    if read == 0 { return source.isSized ? failed : endOfStream }
    source.exchange.sent(read, isCounted: source.isSized)
    return read
  }
}
