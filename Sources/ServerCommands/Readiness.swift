// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import HTTPService
internal import StateStore

/// Whether the server can take calls. It can without a broker: payloads wait in the outbox.
struct Readiness {
  /// Free bytes that the disk of the home needs.
  private static let floor: UInt64 = 16 << 20

  private let checks: [(name: String, problem: String?)]

  init(home: HomeDirectory, isEnding: Bool) {
    checks = [
      ("draining", isEnding ? "the server ends" : nil), ("home", Self.problem(writing: home.path)),
      ("disk", Self.isFull(home.path) ? "less than 16 MiB are free" : nil),
      ("outbox", Self.problem(writing: home.outboxDatabase)),
    ]
  }

  /// - Parameter isVerbose: whether each check has a line.
  func response(isVerbose: Bool) -> HTTPResponse {
    let problems = checks.compactMap(\.problem)
    var text = problems.isEmpty ? "ok\n" : problems.joined(separator: "; ") + "\n"
    if isVerbose {
      text = checks.map { $0.problem == nil ? "[+]\($0.name) ok\n" : "[-]\($0.name): \($0.problem ?? "")\n" }.joined()
    }
    return .text(text, status: problems.isEmpty ? 200 : 503)
  }

  /// A missing file is made when it is needed.
  private static func problem(writing path: String) -> String? {
    guard access(path, W_OK) != 0, errno != ENOENT else { return nil }
    return "\(path) cannot be written (\(String(cString: strerror(errno))))"
  }

  private static func isFull(_ path: String) -> Bool {
    var status = statvfs()
    return statvfs(path, &status) == 0 && UInt64(status.f_bavail) * UInt64(status.f_frsize) < floor
  }
}
