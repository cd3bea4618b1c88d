// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import ExecutionFiles
internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

/// The value of `--from`: a file of executions, `-` for stdin, or `topic` for the topic of the home's connection.
enum ExecutionSource {
  /// Calls `visit` with each execution, and again with a payload that was sent again.
  ///
  /// - Parameter status: the exit status if the source cannot be read.
  /// - Throws: `CommandError`.
  static func read(
    _ source: String, _ invocation: Invocation, status: Int32, visit: (ExecutionLine) throws(SystemError) -> Void
  ) throws(CommandError) -> ExecutionFile.Tally {
    if source == "topic" { return try readTopic(invocation, status: status, visit: visit) }
    do throws(SystemError) {
      return try ExecutionFile.read(source, visit: visit)
    } catch {
      throw CommandError(
        exitCode: status,
        sentence: "\"\(TerminalText.escaped(source, limit: 4096))\" cannot be read: \(error); name a file of payloads, "
          + "reports or batch results.")
    }
  }

  private static func readTopic(
    _ invocation: Invocation, status: Int32, visit: (ExecutionLine) throws(SystemError) -> Void
  ) throws(CommandError) -> ExecutionFile.Tally {
    let connection: Connection?
    let reader: TopicReader
    do {
      connection = try ConnectionStore(home: SharedOptions.home(invocation)).connection()
      guard let connection, connection.kind != .file else {
        throw CommandError(
          exitCode: status,
          sentence: "the connection is not a topic; name the file with --from, or connect Kafka with "
            + "`algo-run connection set`.")
      }
      reader = try TopicReader(ProducerSettings(connection, traffic: .many))
    } catch let error as CommandError {
      throw error
    } catch {
      throw CommandError(exitCode: status, sentence: Remedy.sentence(error))
    }
    let line = ExecutionLine()
    var tally = ExecutionFile.Tally()
    var failure: SystemError?
    let cause = reader.readToEnd { value in
      // ExecutionLine looks at the byte behind the line.
      (value + [0]).withUnsafeBytes { bytes in
        switch line.read(UnsafeRawBufferPointer(rebasing: bytes.dropLast())) {
        case .execution:
          guard failure == nil else { return }
          tally.executions += 1
          do throws(SystemError) { try visit(line) } catch { failure = error }
        case .connectionTest: break
        case .unreadable: tally.unreadable += 1
        }
      }
    }
    guard let problem = failure.map({ "\($0)" }) ?? cause?.text else { return tally }
    throw CommandError(
      exitCode: status,
      sentence:
        "the topic \"\(TerminalText.escaped(connection?.topic ?? ""))\" cannot be read to its end: \(problem); see "
        + "`algo-run connection test`.")
  }
}
