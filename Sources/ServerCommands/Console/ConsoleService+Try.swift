// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Execution
internal import HTTPService
internal import Platform
internal import RunModel
internal import StateStore

/// *Try it*: one real execution from a page.
extension ConsoleService {
  /// A page that waits for the end of its execution.
  struct Attempt {
    let call: Call
    let until: MonotonicInstant
    let exchange: HTTPExchange
    let session: Session
    let page: @Sendable (_ row: ExecutionRow?, _ result: String?, _ payload: String?, _ problem: String?) -> [UInt8]
  }

  private static let answerLimit = Duration.seconds(10)

  func showTry(_ name: AlgorithmName, _ exchange: HTTPExchange, _ session: Session, _ viewer: Viewer) {
    answer(exchange, session, viewer) { routes throws(StateError) in
      let all = try routes.versions.lookup.store.versions(
        matching: AlgorithmReference(algorithm: name, selector: .latest))
      guard !all.isEmpty else { return Self.noSuchAlgorithm(name) }
      return .page(
        TryPage.page(name, versions: all.reversed().map(\.version), chosen: "", input: "", viewer: viewer))
    }
  }

  func tryOut(
    _ name: AlgorithmName, _ exchange: HTTPExchange, _ fields: FormFields, _ session: Session, _ viewer: Viewer
  ) {
    let (input, chosen) = (fields["input"], fields["version"])
    pages.run { routes -> Result<[PublishedVersion], StateError> in
      Result { () throws(StateError) in
        try routes.versions.lookup.store.versions(matching: AlgorithmReference(algorithm: name, selector: .latest))
      }
    } then: { [self] result in
      guard case .success(let all) = result,
        let version = all.last(where: { chosen.isEmpty || "\($0.version)" == chosen })
      else { return respond(exchange, Self.noSuchAlgorithm(name), session, viewer) }
      let numbers = all.reversed().map(\.version)
      let page: @Sendable (ExecutionRow?, String?, String?, String?) -> [UInt8] = { row, result, payload, problem in
        TryPage.page(
          name, versions: numbers, chosen: chosen, input: input, row: row, result: result, payload: payload,
          problem: problem, viewer: viewer)
      }
      guard !calls.isDraining, calls.hasRoom else {
        let problem =
          calls.isDraining ? "The server is stopping." : "All slots and the queue are taken. Try again later."
        return respond(exchange, .page(page(nil, nil, nil, problem)), session, viewer)
      }
      let call = Call(
        id: exchange.id, version: version, parameters: CallParameters(), input: CallInput(text: input),
        outputLimit: settings.maxOutput, directory: settings.spillDirectory)
      calls.submit(call, input: RequestBody(Array(input.utf8)), trace: nil)
      attempts.append(
        Attempt(call: call, until: .now() + Self.answerLimit, exchange: exchange, session: session, page: page))
    }
  }

  /// Answers the pages whose execution ended, or whose time is over.
  func answerAttempts() {
    guard !attempts.isEmpty else { return }
    let now = MonotonicInstant.now()
    attempts.removeAll { attempt in
      let call = attempt.call
      guard call.hasEnded || attempt.until <= now else { return false }
      guard call.hasEnded else {
        attempt.exchange.respond(ConsoleAnswer.redirection(to: "/executions/\(call.id)"))
        return true
      }
      guard case .ended(let record) = call.state else {
        let page = attempt.page(nil, nil, nil, "It never started: its time limit ended, or the server stops.")
        attempt.exchange.respond(ConsoleAnswer.response(page))
        return true
      }
      let result = TryText.result(of: call)
      let diagnostics = String(decoding: call.output.diagnostics.bytes, as: UTF8.self)
      let shown = record.outcome == .succeeded || diagnostics.isEmpty ? result : (result ?? "") + diagnostics
      let page = attempt.page(
        ExecutionRow(ExecutionRecordJSON.report(record)), shown,
        record.payload.map { String(decoding: $0, as: UTF8.self) }, nil)
      attempt.exchange.respond(ConsoleAnswer.response(page))
      return true
    }
  }
}
