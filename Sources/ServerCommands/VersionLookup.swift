// SPDX-License-Identifier: Apache-2.0
internal import RunModel
internal import StateStore

/// Finds the version that a path means.
struct VersionLookup {
  let store: VersionStore

  init(_ state: StateDatabase) { store = VersionStore(state) }

  /// The latest version that matches the segments of a path; nil if none does.
  func version(_ owner: String, _ name: String, _ selector: String) throws(StateError) -> PublishedVersion? {
    guard let algorithm = AlgorithmName(owner: owner, name: name) else { return nil }
    let any = AlgorithmReference(algorithm: algorithm, selector: .latest)
    if selector == "latest" || selector == "latestPrivate" { return try store.current(matching: any) }
    if selector.utf8.count == 40 {
      return try store.versions(matching: any).last {
        VersionFingerprint.hexadecimal(of: $0).hasPrefix(selector.lowercased())
      }
    }
    guard let reference = try? AlgorithmReference(parsing: "\(algorithm)/\(selector)") else { return nil }
    return try store.current(matching: reference)
  }
}
