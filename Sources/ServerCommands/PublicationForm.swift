// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import JSONText
internal import RunModel
internal import StateStore

/// A version that a request or a page asks to publish. Without a command it is the previous version again.
struct PublicationForm: Sendable {
  /// The part of the number that is raised.
  var part = VersionNumber.Part.revision
  /// Nil for what holds for the previous version.
  var insights: Bool?
  var notes = ""
  /// Program and arguments; nil for those of the previous version.
  var command: [String]?
  /// Absolute; nil for that of the previous version, or without a limit of its own if there is a new command.
  var directory: String?
  var timeLimit: Duration?
  /// Whether it names a command, a directory or a time limit, which only an administrator may.
  var changesExecution = false

  init() {}

  /// The body of a publication, as clients of the original service send it. Unknown members are ignored.
  init(_ members: JSONMembers) throws(RouteProblem) {
    let settings = try members.members("settings")
    let info = try members.members("version_info")
    insights = try settings?.flag("insights_enabled")
    let formerly = try info?.flag("insights_enabled")
    if insights == nil { insights = formerly }
    // Clients of different ages write these two in either place.
    for place in [members, info].compactMap(\.self) {
      if let text = try place.text("release_notes") { notes = text }
      guard let type = try place.text("version_type") else { continue }
      guard let part = type == "patch" ? .revision : VersionNumber.Part(rawValue: type) else {
        throw RouteProblem(400, "version_type is major, minor, revision or patch; correct it.")
      }
      self.part = part
    }
    guard let own = try members.members("algo_run") else { return }
    changesExecution = true
    if own.has("command") {
      let words = own.array("command")?.map { JSONString.text($0) }
      guard let words, !words.contains(nil) else {
        throw RouteProblem(400, "algo_run.command is an array of strings, the program first; correct it.")
      }
      command = words.compactMap(\.self)
    }
    directory = try own.text("directory")
    if let text = try own.text("timeout") {
      guard let limit = DurationText.parse(text), limit > .zero else {
        throw RouteProblem(400, "algo_run.timeout is a duration such as 30s; correct it.")
      }
      timeLimit = limit
    }
  }

  /// The version to publish after `previous`. All is checked here: a refused request changes nothing, so that a client
  /// may send it again.
  ///
  /// - Parameter mayChangeExecution: whether commands may be published at all, and by this key.
  func publication(
    of algorithm: AlgorithmName, after previous: PublishedVersion?, mayChangeExecution: Bool
  ) throws(RouteProblem) -> VersionSpec {
    if changesExecution, !mayChangeExecution {
      throw RouteProblem(
        403,
        "commands are published over HTTP only with serve --allow-publish and a key of scope admin; "
          + "use algo-run publish.", code: 2001)
    }
    guard let words = command ?? previous?.command else {
      throw RouteProblem(400, "the first version of an algorithm needs a command; use algo-run publish.")
    }
    guard let program = words.first, !program.isEmpty, !words.contains(where: { $0.utf8.contains(0) }) else {
      throw RouteProblem(400, "algo_run.command begins with a program, and holds no NUL; correct it.")
    }
    if let directory { try check(directory) }
    // A new command has nothing of the one before but the algorithm.
    let base = command == nil ? previous : nil
    var publication = VersionSpec(algorithm: algorithm, numbering: .raising(part), command: words)
    publication.directory = directory ?? base?.directory
    publication.timeLimit = timeLimit ?? base?.timeLimit
    publication.environment = base?.environment ?? []
    publication.worker = base?.worker
    publication.notes = notes
    publication.insights = insights
    return publication
  }

  private func check(_ directory: String) throws(RouteProblem) {
    guard directory.hasPrefix("/"), !directory.utf8.contains(0) else {
      throw RouteProblem(400, "algo_run.directory does not begin with /; name a directory of the server.")
    }
    var status = stat()
    guard stat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw RouteProblem(409, "algo_run.directory is not there; create it on the server, or name another one.")
    }
  }
}
