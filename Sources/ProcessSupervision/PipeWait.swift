// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Platform

/// Opening of named pipes, before any child runs.
extension Supervisor {
  /// Whether `path` names a pipe, so that opening it waits for its other side.
  public static func isPipe(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
  }

  /// Opens a file above 3, close-on-exec, as `<` and `>` of a shell do: a named pipe is open once a process has opened
  /// its other side. SIGINT, SIGTERM, SIGHUP or SIGQUIT end that wait, and so does `deadline`.
  ///
  /// Only a thread can wait in open(2) while this one takes signals. A wait that has failed leaves the thread in it: the
  /// process is to end soon.
  ///
  /// - Parameters:
  ///   - flags: those of open(2); O_CREAT is left out for a pipe.
  ///   - mode: that of open(2).
  /// - Throws: why it is not open.
  public func open(
    _ path: String, flags: Int32, mode: UInt32 = 0, until deadline: MonotonicInstant? = nil
  ) throws(OpenFailure) -> Descriptor {
    guard Self.isPipe(path) else {
      do throws(SystemError) { return try Descriptor.open(path, flags: flags, mode: mode) } catch {
        throw .system(error)
      }
    }
    let opened = Mailbox<Result<Descriptor, SystemError>>(waking: loop)
    do throws(SystemError) {
      _ = try Thread.start {
        // The kernel refuses O_CREAT for pipes of other users in directories such as /tmp.
        let flags = flags & ~O_CREAT
        opened.post(Result { () throws(SystemError) in try Descriptor.open(path, flags: flags, mode: 0) })
      }
    } catch { throw .system(error) }
    while true {
      loop.turn(until: deadline)
      switch opened.takeAll().first {
      case .success(let descriptor): return descriptor
      case .failure(let error): throw .system(error)
      case nil: break
      }
      let endings = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
      if let signal = takeSignals().first(where: { endings.contains($0.number) }) {
        throw .interrupted(by: signal.number)
      }
      if let deadline, deadline <= .now() { throw .timedOut }
    }
  }
}
