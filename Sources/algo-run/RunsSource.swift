// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import StateStore

/// Where `runs` reads executions from.
enum RunsSource {
  /// The history of the home, or the sources of `--from`.
  static func open(_ invocation: Invocation) throws -> History {
    let sources = invocation.values("from")
    guard sources.isEmpty else { return try RunFiles.read(sources, invocation) }
    let home = try SharedOptions.home(invocation)
    if let absence = SharedOptions.absence(of: home) {
      Message.print("\(absence), so there is no history; run a version, or check --home.")
    }
    return try History.open(home: home) { Message.print("\($0).") }
  }
}
