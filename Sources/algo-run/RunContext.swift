// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import RunModel
internal import StateStore

/// The version of a run and the destination of its payloads, looked up in the home before it starts.
struct RunContext {
  /// The version; nil for a bare command.
  let version: PublishedVersion?
  /// The connection; nil for the file in the home.
  let connection: Connection?
  /// Nil if a bare command runs without any home.
  let home: HomeDirectory?
  /// Whether the state cannot be read, so that payloads go to the fallback file.
  let stateIsUnreadable: Bool

  /// How payloads are written.
  var payloadFormat: PayloadFormat { connection?.payloadFormat ?? .standard }

  /// Variables that hold secrets of ours, which no child gets.
  var secretVariables: [String] {
    guard case .environment(let name) = connection?.authentication?.password else { return [] }
    return [name]
  }

  /// How long a lock on `state.db` delays an execution. Healthy processes hold one for milliseconds, a few times a
  /// year.
  private static let lockWait = Duration.milliseconds(500)

  /// Looks up version and connection.
  ///
  /// State that cannot be read never stops an algorithm whose command is known (`runsWithoutState`): it runs, one line
  /// reports it, and its payload goes to the fallback file. The exception is a locked database and a reference that
  /// only the database can resolve: the payload would be lost for a lock that is gone in a moment.
  ///
  /// - Throws: `CommandError` with status 125.
  static func find(
    _ invocation: Invocation, reference: AlgorithmReference?, runsWithoutState: Bool
  ) throws(CommandError) -> RunContext {
    var home: HomeDirectory?
    do throws(StateError) {
      let located = try SharedOptions.home(invocation)
      home = located
      let state = StateDatabase(home: located, busyTimeout: lockWait)
      return try state.reading { () throws(StateError) in
        let connection = try ConnectionStore(state).connection()
        let version = try reference.map { reference throws(StateError) in
          guard let version = try VersionStore(state).latest(matching: reference) else {
            throw .noSuchVersion(reference: reference.description)
          }
          return version
        }
        return RunContext(version: version, connection: connection, home: home, stateIsUnreadable: false)
      }
    } catch {
      if case .noSuchVersion = error { throw CommandError(exitCode: 125, sentence: Remedy.sentence(error)) }
      guard runsWithoutState, !(error.isLock && isInexact(reference)) else {
        throw CommandError(exitCode: 125, sentence: Remedy.sentence(error))
      }
      // A bare command on a machine without a home has no use for state.
      if reference != nil || home != nil {
        Message.print("\(Remedy.sentence(error)) The command runs all the same\(fallbackNote(reference, home)).")
      }
      return RunContext(
        version: reference.flatMap(assumedVersion), connection: nil, home: home, stateIsUnreadable: true)
    }
  }

  private static func isInexact(_ reference: AlgorithmReference?) -> Bool {
    reference.map { assumedVersion($0) == nil } ?? false
  }

  private static func fallbackNote(_ reference: AlgorithmReference?, _ home: HomeDirectory?) -> String {
    guard let reference, let home else { return "" }
    guard assumedVersion(reference) != nil else { return "; its version is unknown, so it has no payload" }
    return "; its payload goes to \(home.fallbackFile)"
  }

  /// An exact reference names its version even if nothing can be looked up. Whether its Insights is on is not
  /// known: its payload is kept on this machine.
  private static func assumedVersion(_ reference: AlgorithmReference) -> PublishedVersion? {
    guard case .exact(let number) = reference.selector else { return nil }
    return PublishedVersion(
      algorithm: reference.algorithm, version: number, command: [], directory: nil, timeLimit: nil, environment: [],
      notes: "", publishedAt: Timestamp(microseconds: 0), insights: true)
  }
}
