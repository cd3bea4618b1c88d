// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Execution
internal import Glibc
internal import ProcessSupervision
internal import RunModel
internal import StateStore

/// `algo-run publish`: registers a version.
enum PublishCommand: Subcommand {
  static let command = Command(
    name: "publish",
    abstract: "Register a version of an algorithm: its command, directory and Insights switch.",
    discussion: """
      A published version never changes, except for its Insights switch. Without --version or --bump the revision \
      increases; the first version is 1.0.0. Prints the reference of the new version.
      Exit status: 0 published; 1 the number is taken, the worker cannot start, the state cannot be written, or the \
      reference cannot be printed; 64 usage.
      """,
    examples: [
      ("algo-run publish demo/iris --insights -- python3 iris.py", "the first version, 1.0.0, with Insights"),
      ("algo-run publish demo/iris --bump minor -- python3 iris.py", "the next minor version, Insights as before"),
      (
        "algo-run publish demo/iris --directory \"$PWD\" --timeout 30s --env MODEL=large -- ./iris",
        "fixed directory, time limit and environment"
      ),
      (
        "algo-run publish demo/iris --worker --max-requests 10000 -- python3 iris.py",
        "load once, answer many requests; replaced now and then"
      ),
    ],
    arguments: [Argument("OWNER/NAME", help: "The algorithm.")],
    options: [
      .value("version", "V", help: "Version number, such as 2.0.0."),
      .value(
        "bump", "PART", completion: .choices(VersionNumber.Part.allCases.map(\.rawValue)),
        help: "Part of the version number to increase (default: revision)."),
      .invertible("insights", help: "Publish payloads (default: as the previous version; first version: no)."),
      .value("notes", "TEXT", help: "A note about this version."),
      .value(
        "directory", "DIR", completion: .directory,
        help: "Working directory of the command (default: that of exec or batch)."),
      .value("timeout", "D", help: "Stop an execution after this wall time, such as 30s."),
      .flag("worker", help: "The program answers many requests: it calls serve of a binding."),
      .flag("no-check", help: "Do not start a worker once as a check."),
      .repeatable(
        "env", "NAME=VALUE",
        help: "A variable for the child's environment; not for secrets: versions --json prints it."),
    ] + WorkerOptions.options + [SharedOptions.home],
    requiresCommandLine: true)

  static func run(_ invocation: Invocation) throws -> Int32 {
    do { return try publish(invocation) } catch let interruption as Interruption { return 128 + interruption.signal }
  }

  private static func publish(_ invocation: Invocation) throws -> Int32 {
    let publication = VersionSpec(
      algorithm: try algorithm(invocation), numbering: try numbering(invocation),
      command: try command(invocation), directory: try directory(invocation),
      timeLimit: try SharedOptions.timeLimit(invocation), environment: try environment(invocation),
      worker: try WorkerOptions(invocation).published(invocation), notes: invocation.value("notes") ?? "",
      insights: invocation.optionalFlag("insights"))
    let home = try SharedOptions.home(invocation)
    if publication.worker != nil, !invocation.flag("no-check") { try check(publication, home) }
    let version = try VersionStore(home: home).publish(publication)
    // Before the result: a version whose reference cannot be printed is published all the same.
    Message.print("published \(version.reference), Insights \(version.insights ? "on" : "off").")
    noteMissingProgram(of: version)
    return StandardOutput.write("\(version.reference)\n") ? 0 : 1
  }

  /// Starts the worker once, as the version that it is going to be.
  private static func check(_ publication: VersionSpec, _ home: HomeDirectory) throws {
    let (loop, supervisor) = try ExecCommand.supervision()
    let state = StateDatabase(home: home)
    let version = try VersionStore(state).draft(of: publication)
    let context = RunContext(
      version: version, connection: try ConnectionStore(state).connection(), home: home, stateIsUnreadable: false)
    guard let worker = version.worker else { return }
    let pool = context.workers(
      of: ExecutionTarget(version: version), worker, slots: 1, limits: RunLimits(), by: supervisor,
      mostFailedStarts: 1)
    try WorkerCheck(pool: pool, loop: loop, supervisor: supervisor).run()
  }

  /// A note only: the program may be installed later, or be on another machine that shares the home.
  private static func noteMissingProgram(of version: PublishedVersion) {
    guard let program = version.command.first else { return }
    let path = version.environment.last { $0.name == "PATH" }?.value ?? HomeDirectory.processVariable("PATH")
    var candidates = ProgramSearch.candidates(
      for: OSString(program), environment: path.map { [OSString("PATH=\($0)")] } ?? []
    ).map(\.text)
    if program.contains("/"), !program.hasPrefix("/") {
      // Without a directory it depends on where the version will run.
      guard let directory = version.directory else { return }
      candidates = ["\(directory)/\(program)"]
    }
    guard !candidates.contains(where: { access($0, F_OK) == 0 }) else { return }
    let place = program.contains("/") ? "" : " on PATH"
    Message.print(
      "note: there is no program \"\(TerminalText.escaped(program))\"\(place) here; install it, or publish another version "
        + "if the name is wrong.")
  }

  /// A version is listed as JSON, which cannot contain a word that is not text.
  private static func command(_ invocation: Invocation) throws(CommandError) -> [String] {
    let words = invocation.commandLine ?? []
    guard CommandWords.last(words.count).allSatisfy(\.isText) else {
      throw CommandError(
        exitCode: 64, sentence: "a word of the command is not UTF-8; rename the file it names, or wrap it in a script.")
    }
    return words
  }

  private static func algorithm(_ invocation: Invocation) throws -> AlgorithmName {
    let given = invocation.argument("OWNER/NAME") ?? ""
    if let slash = given.lastIndex(of: "/"),
      let version = try? VersionNumber(parsing: String(given[given.index(after: slash)...])),
      (try? AlgorithmName(parsing: given[..<slash])) != nil
    {
      throw CommandError(
        exitCode: 64, sentence: "give the version by an option: publish \(given[..<slash]) --version \(version).")
    }
    do throws(ReferenceError) {
      return try AlgorithmName(parsing: given)
    } catch {
      throw CommandError(exitCode: 64, sentence: Remedy.sentence(error))
    }
  }

  private static func numbering(_ invocation: Invocation) throws -> VersionSpec.Numbering {
    switch (invocation.value("version"), invocation.value("bump").flatMap(VersionNumber.Part.init)) {
    case (_?, _?): throw invocation.conflict("--version", "--bump")
    case (let text?, nil):
      do throws(ReferenceError) {
        return .exactly(try VersionNumber(parsing: text))
      } catch {
        throw CommandError(exitCode: 64, sentence: Remedy.sentence(error))
      }
    case (nil, let part): return .raising(part ?? .revision)
    }
  }

  /// Absolute, so that the version means the same wherever it is run from.
  private static func directory(_ invocation: Invocation) throws -> String? {
    guard let given = invocation.value("directory") else { return nil }
    guard let resolved = realpath(given, nil) else {
      throw CommandError(
        exitCode: 64,
        sentence:
          "the directory \"\(TerminalText.escaped(given))\" cannot be used: \(String(cString: strerror(errno))); "
          + "create it, or choose another with --directory.")
    }
    defer { free(resolved) }
    guard let path = String(validatingCString: resolved) else { throw StateError.notText("the directory") }
    return path
  }

  private static func environment(_ invocation: Invocation) throws(UsageError) -> [EnvironmentVariable] {
    var variables: [EnvironmentVariable] = []
    for text in invocation.values("env") {
      guard let variable = EnvironmentVariable(parsing: text) else {
        throw invocation.invalid("env", value: text, expected: "NAME=VALUE")
      }
      guard !EnvironmentVariable.supervisorNames.contains(variable.name) else {
        throw invocation.invalid("env", value: text, expected: "another name: algo-run sets \(variable.name) itself")
      }
      // As in a shell, the last value counts.
      variables.removeAll { $0.name == variable.name }
      variables.append(variable)
    }
    return variables
  }
}
