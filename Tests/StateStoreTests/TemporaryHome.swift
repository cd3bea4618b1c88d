// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import RunModel

@testable import StateStore

/// A home that is removed with its last user.
final class TemporaryHome {
  let home: HomeDirectory

  /// A private home, or one by whose name the processes that this one starts find it.
  init(_ name: String = UUID().uuidString) throws { home = try Self.home(name, of: getpid()) }

  /// The home of that name of the process that started this one. An exit test takes nothing along but its code.
  static func ofParent(_ name: String) throws -> HomeDirectory { try home(name, of: getppid()) }

  private static func home(_ name: String, of process: pid_t) throws -> HomeDirectory {
    let directory = FileManager.default.temporaryDirectory
    return try HomeDirectory(path: directory.appendingPathComponent("algo-run-state-\(process)-\(name)").path)
  }

  deinit { try? FileManager.default.removeItem(atPath: home.path) }

  /// The permission bits of a file or directory of the home, or of the home itself.
  func mode(_ name: String = "") throws -> Int? {
    let path = name.isEmpty ? home.path : home.path + "/" + name
    return try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  /// All bytes of all files of the home.
  func allBytes() throws -> Data {
    try FileManager.default.subpathsOfDirectory(atPath: home.path).sorted().reduce(into: Data()) { all, name in
      if let bytes = FileManager.default.contents(atPath: home.path + "/" + name) { all.append(bytes) }
    }
  }

  /// The names in the home, sorted.
  func names() -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: home.path)) ?? []).sorted()
  }

  /// Runs SQL on a database behind the store's back.
  func tamper(_ path: String, _ sql: String) throws {
    guard let database = try SQLiteDatabase(path: path, busyTimeout: .seconds(1)) else {
      throw CocoaError(.fileNoSuchFile)
    }
    try database.execute(sql)
  }
}

/// A payload's record of a given key.
func sampleRecord(_ key: String, bytes: Int = 300) -> InsightsRecord {
  InsightsRecord(
    key: key, value: Array("{\"request_id\":\"\(key)\"".utf8) + [UInt8](repeating: 0x20, count: bytes) + [0x7d],
    headers: [.init("ce_id", key), .init("ce_type", "algo-run.insights.v1"), .init("traceparent", "")])
}

/// Entries of given keys whose window ends four minutes after `moment`.
func sampleEntries(_ keys: [String], at moment: Timestamp = WallClock.now()) -> [OutboxEntry] {
  keys.map { OutboxEntry(sampleRecord($0), createdAt: moment, window: .seconds(240)) }
}
