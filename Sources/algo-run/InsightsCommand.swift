// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import RunModel
internal import StateStore

/// `algo-run insights on|off`: the one thing of a published version that can change.
enum InsightsCommand: Subcommand {
  static let command = Command(
    name: "insights",
    abstract: "Switch Insights of a published version on or off.",
    discussion: """
      The switch applies to executions that start afterwards. If several versions match REF, the latest is switched.
      Exit status: 0 switched; 1 nothing matches REF, or the state cannot be written; 64 usage.
      """,
    examples: [
      ("algo-run insights on demo/iris/1.0.0", "publish the payloads of 1.0.0 from now on"),
      ("algo-run insights off demo/iris", "no longer publish those of the latest version"),
    ],
    arguments: [
      Argument("on|off", completion: .choices(["on", "off"]), help: "Publish payloads, or not."),
      Argument(
        "REF", completion: .reference, help: "OWNER/NAME (its latest version), or with /1, /1.2, /1.2.* or /1.2.0."),
    ],
    options: [SharedOptions.home])

  static func run(_ invocation: Invocation) throws -> Int32 {
    let reference = try SharedOptions.reference(invocation.argument("REF") ?? "")
    let version = try VersionStore(home: try SharedOptions.home(invocation))
      .setInsights(invocation.argument("on|off") == "on", matching: reference)
    Message.print("Insights of \(version.reference) is \(version.insights ? "on" : "off").")
    return 0
  }
}
