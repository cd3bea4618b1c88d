// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import ProcessSupervision
internal import RunModel

/// The file of `--report`: opened before the child starts, so that a wrong path is reported while nothing is lost, and
/// written after it ended.
struct ReportFile {
  private let path: String
  private let option: String
  private let descriptor: Descriptor
  /// Whether stdout or stderr write to it: then it is appended to, never emptied.
  private let isOwnStream: Bool

  /// - Parameters:
  ///   - option: the option that named the file, for messages.
  ///   - files: opens it.
  /// - Throws: `ReportFailure`, or what `files` throws.
  init(_ path: String, option: String = "--report", by files: PatientFiles) throws {
    self.path = path
    self.option = option
    do {
      // Not emptied yet: until there is a report to write, the former one is the last that is known.
      let opened = try files.open(path, flags: O_WRONLY | O_CREAT, mode: 0o666)
      let stream = [STDOUT_FILENO, STDERR_FILENO].first { stream in
        opened.withNumber { FileIdentity($0) != nil && FileIdentity($0) == FileIdentity(stream) }
      }
      isOwnStream = stream != nil
      descriptor = try stream.map { stream throws(SystemError) in try .duplicating(stream) } ?? opened
      // Another writer of the pipe could fill it between a look and a write.
      if stream == nil, Supervisor.isPipe(path) { _ = descriptor.withNumber { fcntl($0, F_SETFL, O_NONBLOCK) } }
    } catch let error as SystemError {
      throw ReportFailure(path: path, option: option, error: error)
    }
  }

  /// Replaces the file's content by one line of JSON. A reader that is slow is waited for until a signal asks algo-run
  /// to end.
  func write(_ json: [UInt8]) throws(ReportFailure) {
    let line = json.last == UInt8(ascii: "\n") ? json : json + [UInt8(ascii: "\n")]
    do throws(SystemError) {
      // Fails on a pipe or a terminal, which have no content to replace.
      if !isOwnStream { _ = descriptor.withNumber { ftruncate($0, 0) } }
      var position = 0
      while position < line.count {
        while !descriptor.isReady(for: .write) {
          guard !PendingSignals.askToEnd else { throw SystemError(EINTR) }
          descriptor.waitUntilReady(for: .write, milliseconds: 50)
        }
        // A pipe that polls writable takes this many bytes without blocking.
        let piece = line[position..<min(position + Int(PIPE_BUF), line.count)]
        let count = descriptor.withNumber { number in
          piece.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
        }
        if count < 0, errno != EINTR, errno != EAGAIN { throw SystemError(errno) }
        position += max(0, count)
      }
    } catch { throw ReportFailure(path: path, option: option, error: error) }
  }
}

/// The report could not be written.
struct ReportFailure: Error, CustomStringConvertible {
  let path: String
  let option: String
  let error: SystemError

  var description: String {
    "cannot write to \"\(TerminalText.escaped(path))\": \(error); choose another file with \(option)."
  }
}
