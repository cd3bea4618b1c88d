// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import ProcessSupervision
internal import RunModel

/// The words behind `--` as the kernel passed them: as text they have lost bytes that are not UTF-8.
enum CommandWords {
  /// The last words of algo-run's own command line.
  static func last(_ count: Int) -> [OSString] { all.suffix(count) }

  /// Refuses names of files and other values that are not UTF-8: as text they would name something else. The words of
  /// another program's command line, the last `commandLength` ones, may be any bytes.
  ///
  /// - Throws: `CommandError` with status 64.
  static func refuseBytes(before commandLength: Int) throws(CommandError) {
    guard let word = all.dropLast(commandLength).first(where: { !$0.isText }) else { return }
    throw CommandError(
      exitCode: 64,
      sentence:
        "the argument \"\(TerminalText.escaped(word.text))\" is not UTF-8 text, which algo-run needs in names of "
        + "files; rename the file, or make a link to it with another name.")
  }

  private static var all: [OSString] {
    ProcessArguments.words().map { OSString(bytes: $0) }
  }
}
