internal import Glibc
internal import Platform
internal import ProcessSupervision
internal import RunModel

/// The file of `--report`: opened before the child starts, so that a wrong path is told while nothing is lost, and
/// written after it ended.
struct ReportFile {
  private let path: String
  private let option: String
  private let descriptor: Descriptor
  /// Whether it is what stdout or stderr write to: then it is written after what is there, never emptied.
  private let isOwnStream: Bool

  /// - Parameter option: what the user named the file with, for messages.
  init(_ path: String, option: String = "--report") throws(ReportFailure) {
    self.path = path
    self.option = option
    do throws(SystemError) {
      // Not emptied yet: until there is a report to write, the former one is the last that is known.
      let opened = try Descriptor.open(path, flags: O_WRONLY | O_CREAT, mode: 0o666)
      let stream = [STDOUT_FILENO, STDERR_FILENO].first { stream in
        opened.withNumber { FileIdentity($0) != nil && FileIdentity($0) == FileIdentity(stream) }
      }
      isOwnStream = stream != nil
      descriptor = try stream.map { stream throws(SystemError) in try .duplicating(stream) } ?? opened
    } catch {
      throw ReportFailure(path: path, option: option, error: error)
    }
  }

  /// Replaces the file's content by one line of JSON.
  func write(_ json: [UInt8]) throws(ReportFailure) {
    let line = json.last == UInt8(ascii: "\n") ? json : json + [UInt8(ascii: "\n")]
    // Fails on a pipe or a terminal, which have no content to replace.
    if !isOwnStream { _ = descriptor.withNumber { ftruncate($0, 0) } }
    do throws(SystemError) { try descriptor.writeAll(line) } catch {
      throw ReportFailure(path: path, option: option, error: error)
    }
  }
}

/// The report could not be written.
struct ReportFailure: Error, CustomStringConvertible {
  let path: String
  let option: String
  let error: SystemError

  var description: String {
    "cannot write to \"\(TerminalText.safe(path))\": \(error); choose another file with \(option)."
  }
}
