// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import ExecutionFiles
internal import HTTPService
internal import Platform
internal import RunModel
internal import StateStore

/// The comparison of two versions. It reads thousands of executions, so it has a thread of its own, one at a time: other
/// pages are not delayed either.
extension ConsoleService {
  /// Comparisons that are made or wait.
  private static let mostComparisons = 4

  func showComparison(of name: AlgorithmName, _ exchange: HTTPExchange, _ session: Session, _ viewer: Viewer) {
    guard comparisons.waitingCount < Self.mostComparisons else {
      return exchange.respond(
        ConsoleAnswer.response(
          MessagePage.page(
            "Other comparisons are being made", "Try again in a moment.", viewer: viewer,
            back: ("Try again", ConsoleRoute.compare(name).page)), status: 503, headers: [("Retry-After", "2")]))
    }
    func version(_ side: String) -> VersionNumber? {
      exchange.request.target.parameter(side).flatMap { try? VersionNumber(parsing: $0) }
    }
    let (a, b, directory) = (version("a"), version("b"), settings.spillDirectory)
    answer(exchange, session, viewer, on: comparisons) { home throws(StateError) in
      try Self.comparison(of: name, a, b, home, directory, viewer)
    }
  }

  /// - Parameters:
  ///   - a: nil for the version before B.
  ///   - b: nil for the newest version that has executions.
  private static func comparison(
    of name: AlgorithmName, _ a: VersionNumber?, _ b: VersionNumber?, _ home: StateRoutes, _ directory: String,
    _ viewer: Viewer
  ) throws(StateError) -> ConsoleAnswer {
    let all = AlgorithmReference(algorithm: name, selector: .latest)
    let history = try home.history()
    var versions: [VersionNumber] = []
    for reference in try history.versions(RunSelection(all)).reversed() {
      if case .exact(let version) = reference.selector { versions.append(version) }
    }
    if versions.isEmpty, try home.versions.lookup.store.latest(matching: all) == nil { return noSuchAlgorithm(name) }
    guard let newest = versions.first, let oldest = versions.last, newest != oldest else {
      return .page(ComparePage.page(name, versions: versions, chosen: nil, outcome: nil, viewer: viewer))
    }
    let second = b ?? newest
    let first = a ?? versions.first { $0 < second } ?? newest
    func page(_ outcome: ComparePage.Outcome?, _ problem: String?) -> ConsoleAnswer {
      .page(
        ComparePage.page(
          name, versions: versions, chosen: (first, second), outcome: outcome, problem: problem, viewer: viewer))
    }
    guard versions.contains(first), versions.contains(second), first != second else {
      return page(nil, "Choose two versions that have executions.")
    }
    let sides = [
      try side(AlgorithmReference(algorithm: name, selector: .exact(first)), history, directory),
      try side(AlgorithmReference(algorithm: name, selector: .exact(second)), history, directory),
    ]
    do throws(SystemError) {
      let result = try CompareResult(
        try sides[0].get(), try sides[1].get(), isPaired: nil, rules: CompareResult.Rules())
      return page(outcome(result), nil)
    } catch {
      return page(nil, "A temporary file in \(directory) cannot be used (\(error)). Make room there, and try again.")
    }
  }

  private static func side(
    _ reference: AlgorithmReference, _ history: History, _ directory: String
  ) throws(StateError) -> Result<CompareSide, SystemError> {
    let side = CompareSide(reference.description, reference, directory: directory, needsKeys: false)
    let reader = ExecutionLine()
    var failure: SystemError?
    try history.forEachLine(RunSelection(reference), limit: ComparePage.executions) { line in
      guard failure == nil else { return }
      do throws(SystemError) { try side.add(line, reader) } catch { failure = error }
    }
    return failure.map { .failure($0) } ?? .success(side)
  }

  private static func outcome(_ result: CompareResult) -> ComparePage.Outcome {
    var outcome = ComparePage.Outcome()
    outcome.executions = (result.a.columns.executions, result.b.columns.executions)
    outcome.sentence = result.sentence
    outcome.hasDrift = result.isJudged ? !result.failing.isEmpty : nil
    (outcome.metrics, outcome.figures) = (result.metrics, result.shown)
    outcome.pairs = result.pairs?.count
    return outcome
  }
}
