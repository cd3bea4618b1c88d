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
      ("draining", isEnding ? "the server ends" : nil), ("home", Self.problem(makingBelow: home.path)),
      ("disk", Self.isFull(home.path) ? "less than 16 MiB are free" : nil),
      ("outbox", Self.problem(writing: home.outboxDatabase)),
    ]
  }

  /// - Parameter isVerbose: whether each check has a line.
  func response(isVerbose: Bool) -> HTTPResponse {
    let problem = problem
    var text = (problem ?? "ok") + "\n"
    if isVerbose {
      text = checks.map { $0.problem == nil ? "[+]\($0.name) ok\n" : "[-]\($0.name): \($0.problem ?? "")\n" }.joined()
    }
    return .text(text, status: problem == nil ? 200 : 503)
  }

  /// The reasons why it cannot; nil if it can.
  var problem: String? {
    let problems = checks.compactMap(\.problem)
    return problems.isEmpty ? nil : problems.joined(separator: "; ")
  }

  /// A missing home is made when it is needed, in the first directory above it that is there.
  private static func problem(makingBelow path: String) -> String? {
    guard access(path, F_OK) != 0, errno == ENOENT, let slash = path.dropLast().lastIndex(of: "/") else {
      return problem(writing: path)
    }
    return problem(makingBelow: slash == path.startIndex ? "/" : String(path[..<slash]))
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
