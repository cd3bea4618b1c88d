// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// A form for one input, and what came of it.
public enum TryPage {
  /// - Parameters:
  ///   - versions: newest first.
  ///   - row: the execution, if there was one.
  ///   - problem: why there was none.
  public static func page(
    _ algorithm: AlgorithmName, versions: [VersionNumber], chosen: String, input: String, row: ExecutionRow? = nil,
    result: String? = nil, payload: String? = nil, problem: String? = nil, viewer: Viewer
  ) -> [UInt8] {
    let layout = AlgorithmTab.tryIt.layout(
      algorithm, viewer, notice: problem.map { .failed("\($0)") },
      lines: [
        .init("Run", "echo '\"input\"' | algo-run exec \(algorithm)"),
        .init("Over HTTP", VersionsPage.call(algorithm, nil, viewer)),
      ])
    let options = [("", "latest")] + versions.map { ("\($0)", "\($0)") }
    let outcome: HTML =
      row.map {
        "<section aria-label=\"Outcome\" role=\"status\" class=\"outcome\">\(ExecutionPage.content($0, result: result, payload: payload, viewer))</section>"
      } ?? .none
    return layout.page(
      """
      <form class="card" method="post" action="/algorithms/\(algorithm.description)/try">\(HTML.once())
      \(Field.area("input", "Input", input, rows: 5, hint: "The bytes that the algorithm reads: JSON or text.", isCode: true))
      \(Field.choice("version", "Version", options, chosen: chosen, hint: "This is a real execution: it is in the history, and with Insights on its payload is delivered."))
      <p><button class="primary">Run</button></p></form>\(outcome)
      """)
  }
}
