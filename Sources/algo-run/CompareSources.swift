// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import ExecutionFiles
internal import Platform
internal import RunModel
internal import StateStore

/// Where the executions of a comparison come from.
enum CompareSources {
  /// Gives each execution of a file, or of the topic, to each side.
  ///
  /// - Throws: `CommandError` with status 125.
  static func read(_ source: String, _ invocation: Invocation, into sides: [CompareSide]) throws(CommandError) {
    let tally = try ExecutionSource.read(source, invocation, status: 125) { line throws(SystemError) in
      for side in sides { try side.add(line) }
    }
    guard tally.unreadable > 0 else { return }
    guard tally.executions > 0 else {
      throw CommandError(
        exitCode: 125,
        sentence:
          "no line of \"\(TerminalText.escaped(source))\" is an execution; name a file of payloads, reports or batch "
          + "results, one a line.")
    }
    Message.print(
      "\(tally.unreadable) of the lines of \"\(TerminalText.escaped(source))\" are not executions and were left out; check how "
        + "the file was written.")
  }

  /// Gives each side its executions of the home's history.
  ///
  /// - Throws: `CommandError` with status 125.
  static func readHistory(_ invocation: Invocation, into sides: [CompareSide]) throws {
    do {
      let home = try SharedOptions.home(invocation)
      if let absence = SharedOptions.absence(of: home) {
        Message.print("\(absence), so there is no history; run both versions, or check --home.")
      }
      let history = try History.open(home: home) { Message.print("\($0).") }
      for side in sides {
        guard let reference = side.reference, let version = try history.latestVersion(matching: reference) else {
          continue
        }
        var selection = RunSelection(AlgorithmReference(algorithm: reference.algorithm, selector: .exact(version)))
        (selection.since, selection.until) = (side.since, side.until)
        try history.read(selection, status: 125) { line throws(SystemError) in try side.add(line, of: version) }
      }
    } catch let failure as CommandError {
      throw failure
    } catch { throw CommandError(exitCode: 125, sentence: Remedy.sentence(error)) }
  }
}
