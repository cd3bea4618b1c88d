// SPDX-License-Identifier: Apache-2.0
internal import ProcessSupervision
internal import RunModel

/// The output before a batch: opened and checked, with the inputs that have succeeded before.
struct OutputPreparation {
  let file: OutputFile
  /// The occurrences of inputs that need not run again; nil without `--resume`.
  let succeeded: DiskHashTable?
  /// Messages for the user.
  let messages: [String]

  /// - Throws: ``BatchFailure`` before anything in the file was changed.
  init(settings: BatchSettings, supervisor: Supervisor) throws(BatchFailure) {
    guard let path = settings.output else {
      guard !settings.resumes else { throw .resumeNeedsFile }
      (file, succeeded, messages) = (OutputFile(), nil, [])
      return
    }
    guard !settings.resumes || !Supervisor.isPipe(path) else { throw .resumeNeedsFile }
    let opened = try OutputFile(path: path, waitingOn: supervisor, limit: settings.openLimit)
    guard settings.resumes else {
      if opened.isRegular, opened.size > 0 {
        guard settings.overwrites else { throw .outputHasResults(path: path) }
        try opened.clear()
      }
      (file, succeeded, messages) = (opened, nil, [])
      return
    }
    guard opened.isRegular else { throw .resumeNeedsFile }
    let algorithm = settings.version.reference
    let journal = try ResumeJournal(reading: opened, algorithm: algorithm, spillDirectory: settings.spillDirectory)
    opened.cutTornLine()
    file = try journal.withoutFailures(in: opened, algorithm: algorithm)
    succeeded = journal.succeeded
    messages =
      journal.foreignLines > 0
      ? ["\(HumanFormat.counted(journal.foreignLines, "line")) of \(path) left as found: no results of a batch."] : []
  }
}
