// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import ProcessSupervision
internal import RunModel

/// Opens the files of a command line before anything runs. Named pipes are waited for, as `<` and `>` of a shell do;
/// the wait counts against `--timeout`.
final class PatientFiles {
  private let supervisor: Supervisor
  private let limit: Duration?
  /// The time that was spent so far.
  private var waited = Duration.zero

  /// - Parameter limit: that of `--timeout`; nil if it was not given.
  init(_ supervisor: Supervisor, limit: Duration?) {
    self.supervisor = supervisor
    self.limit = limit
  }

  /// The part of `--timeout` that is left for the execution.
  var rest: Duration? { limit.map { max(.milliseconds(1), $0 - waited) } }

  /// Opens `path` with flags and mode of open(2).
  ///
  /// - Throws: `Interruption`, `CommandError` with status 124 if the time is over, or the system's error.
  func open(_ path: String, flags: Int32, mode: UInt32 = 0) throws -> Descriptor {
    guard Supervisor.isPipe(path) else { return try Descriptor.open(path, flags: flags, mode: mode) }
    let begun = MonotonicInstant.now()
    defer { waited += MonotonicInstant.now().duration(since: begun) }
    do throws(OpenFailure) {
      return try supervisor.open(path, flags: flags, until: rest.map { begun + $0 })
    } catch {
      switch error {
      case .system(let error): throw error
      case .interrupted(let signal): throw Interruption(signal: signal)
      case .timedOut:
        let purpose = flags & O_ACCMODE == O_RDONLY ? "writing" : "reading"
        throw CommandError(
          exitCode: 124,
          sentence: "no process opened the pipe \"\(TerminalText.escaped(path))\" for \(purpose) within "
            + "\(DurationText.format(limit ?? .zero)) (--timeout), so nothing ran.")
      }
    }
  }
}

/// A signal asked algo-run to end before anything ran.
struct Interruption: Error {
  let signal: Int32
}
