// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import RunModel
internal import StateStore

/// Keeps results, reports and payloads out of the files that algo-run itself needs.
enum OwnFiles {
  /// Refuses a path that is one of the home's own files, however it is spelt or linked.
  ///
  /// - Throws: `CommandError` with status 64.
  static func refuse(_ path: String, option: String, _ home: HomeDirectory) throws(CommandError) {
    guard let written = FileIdentity(writing: path),
      home.ownFiles.contains(where: { FileIdentity(writing: $0) == written })
    else { return }
    throw CommandError(
      exitCode: 64,
      sentence:
        "\(option) would write over \"\(TerminalText.escaped(path))\", which holds algo-run's own state; choose "
        + "another file with \(option).")
  }
}

extension RunContext {
  /// Refuses a file for results that is the home's own, or the one that payloads are appended to.
  ///
  /// - Throws: `CommandError` with status 64.
  func refuseOwnFile(_ path: String?, option: String) throws(CommandError) {
    guard let home, let path else { return }
    try OwnFiles.refuse(path, option: option, home)
    guard let sink = insightsFile.flatMap({ FileIdentity(writing: $0) }), sink == FileIdentity(writing: path) else {
      return
    }
    throw CommandError(
      exitCode: 64,
      sentence: "\(option) names \"\(TerminalText.escaped(path))\", the file that payloads are appended to; choose "
        + "another file with \(option).")
  }
}
