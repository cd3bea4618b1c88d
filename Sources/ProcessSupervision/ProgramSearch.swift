internal import Glibc

/// Where a program may be: the candidates that the child tries in order, found before the fork because afterwards
/// nothing may be allocated.
enum ProgramSearch {
  /// Paths to try for `program`, as execvp(3) would with the child's own environment.
  static func candidates(for program: String, environment: [String]) -> [String] {
    guard !program.utf8.contains(UInt8(ascii: "/")) else { return [program] }
    // An empty name would name the directories of PATH themselves.
    guard !program.isEmpty else { return [] }
    let path = environment.last { $0.utf8.starts(with: "PATH=".utf8) }.map { String($0.dropFirst(5)) }
    return (path ?? "/bin:/usr/bin").split(separator: ":", omittingEmptySubsequences: false).map {
      // An empty entry of PATH is the working directory, as every shell has it.
      $0.isEmpty ? "./\(program)" : "\($0)/\(program)"
    }
  }
}
