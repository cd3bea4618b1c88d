// SPDX-License-Identifier: Apache-2.0
internal import RunModel
internal import StateStore

/// The references that a shell offers: each algorithm, and each of its versions.
enum ReferenceCompletion {
  /// Nothing if the home cannot be read: there is no place for a message while the user types.
  static func offers(home option: String?) -> [(String, String)] {
    guard let home = try? HomeDirectory.located(option: option),
      let versions = try? VersionStore(home: home).versions(matching: nil)
    else { return [] }
    var latest: [AlgorithmName: VersionNumber] = [:]
    for version in versions { latest[version.algorithm] = max(version.version, latest[version.algorithm] ?? .first) }
    let algorithms = latest.sorted { $0.key.description < $1.key.description }
    return algorithms.map { ("\($0.key)", "latest: \($0.value)") }
      + versions.map { ($0.reference, TerminalText.escaped($0.command.joined(separator: " "), inQuotes: false)) }
  }
}
