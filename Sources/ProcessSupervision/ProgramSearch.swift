// SPDX-License-Identifier: Apache-2.0
/// Where a program may be: the candidates that the child tries in order, found before the fork because afterwards
/// nothing may be allocated.
public enum ProgramSearch {
  private static let slash = UInt8(ascii: "/")

  /// Paths to try for `program`, as execvp(3) would with the child's own environment.
  public static func candidates(for program: OSString, environment: [OSString]) -> [OSString] {
    guard !program.bytes.contains(slash) else { return [program] }
    // An empty name would name the directories of PATH themselves.
    guard !program.bytes.isEmpty else { return [] }
    let variable = environment.first { $0.variableName.elementsEqual("PATH".utf8) }
    let path = variable?.bytes.dropFirst(5) ?? Array("/bin:/usr/bin".utf8)[...]
    return path.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
      // An empty entry of PATH is the working directory, as every shell has it.
      OSString(bytes: ($0.isEmpty ? [UInt8(ascii: ".")] : Array($0)) + [slash] + program.bytes)
    }
  }
}
