// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface

/// One word after `algo-run`.
protocol Subcommand: SendableMetatype {
  /// How it is written and explained.
  static var command: Command { get }
  /// Runs it and gives the exit status.
  ///
  /// - Throws: `UsageError` for what cannot be meant (64), `CommandError` for a status of its own, anything else for 1.
  static func run(_ invocation: Invocation) throws -> Int32
}
