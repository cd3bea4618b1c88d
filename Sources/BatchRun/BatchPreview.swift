// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import Glibc
internal import JSONText
internal import Platform
internal import ProcessSupervision
internal import RunModel

/// `--dry-run`: reads the request list as a batch does, and prints one JSON object for each request. Nothing runs, and
/// no file is touched.
public struct BatchPreview {
  private let settings: BatchSettings
  private let sources: [RequestSource]
  private let succeeded: DiskHashTable?

  /// Opens the list and, to resume, the results.
  ///
  /// - Throws: ``BatchFailure``, as a batch does.
  public init(settings: BatchSettings) throws(BatchFailure) {
    self.settings = settings
    sources = try RequestSource.all(settings.files)
    guard settings.resumes else {
      succeeded = nil
      return
    }
    guard let path = settings.output else { throw .resumeNeedsFile }
    guard !Supervisor.isPipe(path) else { throw .resumeNeedsFile }
    guard access(path, F_OK) == 0 else {
      succeeded = nil
      return
    }
    let journal = try ResumeJournal(
      reading: OutputFile(reading: path), algorithm: settings.version.reference,
      spillDirectory: settings.spillDirectory)
    succeeded = journal.succeeded
  }

  /// Calls `print` with each line, newline included, until it returns false.
  ///
  /// - Returns: A sentence with the counts.
  /// - Throws: ``BatchFailure/cannotReadRequests(path:code:)``.
  public func run(print: ([UInt8]) -> Bool) throws(BatchFailure) -> String {
    var intake = try RequestIntake(sources, settings, succeeded: succeeded)
    var unusable = 0
    reading: while true {
      switch try intake.next() {
      case .end: break reading
      case .again: continue
      case .wait(let descriptor): descriptor.waitUntilReady(for: .read)
      case .skip(let request): guard print(Self.line(request, isDone: true)) else { break reading }
      case .run(let request, _):
        if request.problem != nil { unusable += 1 }
        guard print(Self.line(request, isDone: false)) else { break reading }
      }
    }
    let (wouldRun, skipped) = (intake.nextOrdinal - unusable, intake.skipped)
    var sentence = "dry run: would run \(HumanFormat.counted(wouldRun, "request")) of \(settings.version.reference), "
    sentence +=
      "\(settings.jobs) at a time, with: "
      + TerminalText.escaped(settings.target.command.map(\.text).joined(separator: " "), inQuotes: false)
    if skipped > 0 { sentence += "; succeeded before: \(HumanFormat.grouped(skipped))" }
    if unusable > 0 { sentence += "; cannot be run: \(HumanFormat.grouped(unusable))" }
    return sentence
  }

  private static func line(_ request: Request, isDone: Bool) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("index", integer: request.index)
    json.member("source", request.source)
    json.member("input_sha256", request.input.digest.hexadecimal)
    json.member("input_bytes", integer: request.input.size)
    if let requestID = request.requestID { json.member("request_id", requestID) }
    json.name("runs")
    json.boolean(request.problem == nil && !isDone)
    if let problem = request.problem { json.member("reason", problem) }
    if isDone { json.member("reason", "it has succeeded before") }
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
