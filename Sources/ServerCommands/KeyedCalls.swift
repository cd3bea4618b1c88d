// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import HTTPService
internal import JSONText
internal import Platform
internal import RunModel
internal import StateStore

/// Calls with an Idempotency-Key: each is carried out once, and its answer is kept for a day, also across a restart.
///
///     request ─► claim ─► execution ─► payload durable ─► answer stored ─► response
///
/// The store is read and written on a thread of its own, which starts with the first key.
final class KeyedCalls {
  private let home: HomeDirectory
  private let loop: EventLoop
  private var thread: StateThread?
  private var pending = 0

  init(home: HomeDirectory, loop: EventLoop) { (self.home, self.loop) = (home, loop) }

  /// Whether no claim and no answer is under way.
  var isIdle: Bool { pending == 0 }

  /// Claims the key of a call whose input is complete. Its claim is set if it is to be carried out.
  func claim(
    _ call: Call, _ exchange: HTTPExchange, by key: APIKey?,
    then: @escaping (Result<IdempotencyStore.Verdict, StateError>) -> Void
  ) {
    let claim = IdempotencyStore.Claim(
      owner: key.map { "\($0.name) \($0.createdAt)" } ?? "", key: call.parameters.idempotencyKey ?? "",
      fingerprint: Array(Self.fingerprint(call, exchange.request).hexadecimal.utf8), requestID: call.id)
    let answer = call.parameters.output == .void ? call.acceptance : nil
    run { store throws(StateError) in
      try store.claim(claim, answer: answer)
    } then: { result in
      if case .success(.accepted) = result { call.claim = claim }
      then(result)
    }
  }

  /// Stores the answer to a call, or gives the key back if it never ran; then calls `then`.
  func settle(_ call: Call, _ claim: IdempotencyStore.Claim, then: @escaping () -> Void) {
    guard call.ran else { return forget(claim, then: then) }
    // The answer of this form went into the store with the claim.
    if call.parameters.output == .void { return then() }
    let answer = call.answer
    run { store throws(StateError) in
      try store.store(claim, status: answer.status, type: answer.type) { write throws(SystemError) in
        try answer.body.forEachPiece(write)
      }
    } then: { result in
      if case .failure(let error) = result {
        MessageStream.standardError.print(
          "the answer of \(claim.requestID) is not kept for its Idempotency-Key (\(error)); a call that repeats it gets 409."
        )
      }
      then()
    }
  }

  /// Gives a key back.
  func forget(_ claim: IdempotencyStore.Claim, then: @escaping () -> Void = {}) {
    run { store throws(StateError) in
      try store.forget(claim)
    } then: { _ in
      then()
    }
  }

  /// Hands results over. The owner calls it after each turn of the loop.
  func advance() { thread?.advance() }

  /// The stored answer once more.
  static func response(_ answer: IdempotencyStore.Answer) -> HTTPResponse {
    var headers = [(name: "Idempotency-Replayed", value: "true"), (name: "X-Algo-Request-ID", value: answer.requestID)]
    if answer.status >= 400, let error = JSONMembers(answer.bytes)?.object("error"),
      let message = error.string("message")
    {
      headers.append((name: "X-Error-Message", value: HTTPResponse.line(message)))
    }
    let body: HTTPResponse.Body = if let file = answer.file { .file(file) } else { .bytes(answer.bytes) }
    return HTTPResponse(status: answer.status, type: answer.type, body: body, headers: headers)
  }

  /// Of the reference as it was asked for, query, type and body.
  private static func fingerprint(_ call: Call, _ request: HTTPRequest) -> SHA256.Digest {
    var parts = [request.target.rawPath]
    for parameter in request.target.query { parts += [parameter.name, parameter.value] }
    parts += [request["content-type"] ?? "", call.input.digest.hexadecimal]
    // Each part ends in a byte that none contains.
    return Array(parts.joined(separator: "\0").utf8).withUnsafeBytes { SHA256.digest(of: $0) }
  }

  private func run<Value: Sendable>(
    _ work: @escaping @Sendable (IdempotencyStore) throws(StateError) -> Value,
    then: @escaping (Result<Value, StateError>) -> Void
  ) {
    do throws(SystemError) {
      let thread = if let thread { thread } else { try StateThread(home: home, allowsPublish: false, waking: loop) }
      self.thread = thread
      pending += 1
      thread.run { routes -> Result<Value, StateError> in
        do throws(StateError) { return .success(try work(routes.idempotency)) } catch { return .failure(error) }
      } then: { [self] result in
        pending -= 1
        then(result)
      }
    } catch {
      then(.failure(.inaccessible(path: home.idempotencyDatabase, errno: error.code)))
    }
  }
}
