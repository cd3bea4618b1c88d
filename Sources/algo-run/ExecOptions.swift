// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Execution
internal import Glibc
internal import Platform
internal import ProcessSupervision
internal import RunModel

/// The options of `exec`, read and judged before anything is touched.
struct ExecOptions {
  let reference: AlgorithmReference?
  let reportPath: String?
  private let commandLine: [OSString]?
  private let inputPath: String?
  private let requestID: String
  let keepsDescendants: Bool
  let stopping: Stopping
  let worker: WorkerOptions

  init(_ invocation: Invocation) throws {
    reference = try invocation.argument("REF").map { try SharedOptions.reference($0) }
    commandLine = invocation.commandLine.map { CommandWords.last($0.count) }
    guard reference != nil || commandLine != nil else { throw invocation.missing("REF or a command after '--'") }
    reportPath = invocation.value("report")
    inputPath = invocation.value("input")
    if reportPath == "-" {
      throw CommandError(
        exitCode: 64,
        sentence: "--report takes a file, because stdout is the algorithm's; to see it at once name /dev/stderr.")
    }
    if let inputPath, let reportPath, let input = FileIdentity(reading: inputPath),
      input == FileIdentity(writing: reportPath)
    {
      throw CommandError(
        exitCode: 64,
        sentence:
          "--report would write over the input \"\(TerminalText.escaped(inputPath))\"; choose another file with "
          + "--report.")
    }
    requestID = invocation.value("request-id") ?? RequestID.random()
    if let problem = RequestID.problem(with: requestID) {
      throw invocation.invalid(
        "request-id", value: TerminalText.escaped(requestID), expected: "an identifier; \(problem)")
    }
    stopping = try Stopping(invocation)
    worker = try WorkerOptions(invocation)
    keepsDescendants = invocation.flag("keep-descendants")
  }

  /// Refuses a report in a file that is needed for something else, and payloads in the file that is read.
  func refuseOwnFiles(_ context: RunContext) throws(CommandError) {
    try context.refuseOwnFile(reportPath, option: "--report")
    if let reportPath, let program = program(of: context.version), let file = FileIdentity(reading: program),
      file == FileIdentity(writing: reportPath)
    {
      throw CommandError(
        exitCode: 64,
        sentence:
          "--report would write over the program \"\(TerminalText.escaped(program))\"; choose another file with "
          + "--report.")
    }
    guard context.version?.insights == true, let inputPath,
      let payloads = context.insightsFile.flatMap({ FileIdentity(writing: $0) }),
      payloads == FileIdentity(reading: inputPath)
    else { return }
    throw CommandError(
      exitCode: 64,
      sentence: "payloads of this version are appended to the input \"\(TerminalText.escaped(inputPath))\"; copy it to "
        + "another file.")
  }

  /// Refuses options that the version's way to run has no use for.
  func refuseUnusable(for version: PublishedVersion?) throws(CommandError) {
    guard keepsDescendants, let version, version.worker != nil else { return }
    throw CommandError(
      exitCode: 64,
      sentence: "--keep-descendants is for processes, but \(version.reference) runs as a worker; leave it out.")
  }

  /// The path of the program; nil if it is a name to be looked up on the PATH.
  private func program(of version: PublishedVersion?) -> String? {
    guard let word = commandLine?.first?.text ?? version?.command.first, word.contains("/") else { return nil }
    guard !word.hasPrefix("/"), let directory = version?.directory else { return word }
    return "\(directory)/\(word)"
  }

  /// The request, for the version that was found; `files` opens its input.
  func request(for version: PublishedVersion?, by files: PatientFiles) throws -> ExecutionRequest {
    var request = ExecutionRequest(
      id: requestID, target: ExecutionTarget(version: version, command: commandLine),
      limits: stopping.limits(for: version), trace: SharedOptions.trace)
    if let inputPath {
      do {
        request.input = .descriptor(try files.open(inputPath, flags: O_RDONLY))
      } catch let error as SystemError {
        throw CommandError(
          exitCode: 125,
          sentence:
            "cannot open the input \"\(TerminalText.escaped(inputPath))\": \(error); name a file that can be read "
            + "with --input.")
      }
    }
    return request
  }
}
