// SPDX-License-Identifier: Apache-2.0
internal import CProcessLaunch
internal import Glibc
internal import Platform

/// One call of launch_child: everything that the child needs, laid out in memory before the fork, because between
/// fork and exec nothing may be allocated.
struct ChildLaunch {
  let configuration: SpawnConfiguration
  let writers: [(descriptor: Int32, writer: Descriptor)]
  let isGuarded: Bool

  /// Launches, and returns the pid and the memory that the child began with.
  func run() throws(LaunchFailure) -> launched_child {
    let word = configuration.command.first ?? OSString("")
    let program = word.text
    let candidates = ProgramSearch.candidates(for: word, environment: configuration.environment)
    guard !candidates.isEmpty else { throw .notFound(program: program) }

    let paths = CStringArray(candidates)
    let arguments = CStringArray(configuration.command)
    let environment = CStringArray(configuration.environment)
    let directory = CStringArray([configuration.directory].compactMap { $0.map { OSString($0) } })
    var request = unsafe launch_request()
    unsafe request.candidates = UnsafeRawPointer(paths.pointer).assumingMemoryBound(to: UnsafePointer<CChar>?.self)
    unsafe request.arguments = UnsafePointer(arguments.pointer)
    unsafe request.environment = UnsafePointer(environment.pointer)
    if configuration.directory != nil { unsafe request.directory = UnsafePointer(directory.pointer[0]) }
    unsafe request.descriptors = (
      inputNumber, writer(of: 1), writer(of: 2), writer(of: 3), writer(of: 4), writer(of: 5), writer(of: 6)
    )
    unsafe request.is_guarded = isGuarded
    unsafe request.leaves_terminal = !configuration.sharesTerminal
    unsafe request.is_batch = configuration.isBatch

    var launched = launched_child()
    let code = withExtendedLifetime((paths, arguments, environment, directory)) {
      unsafe launch_child(&request, &launched)
    }
    guard code != 0 else { return launched }
    switch UInt32(launched.failed_stage) {
    case LAUNCH_DIRECTORY.rawValue: throw .directory(configuration.directory ?? "", SystemError(code))
    case LAUNCH_EXEC.rawValue where code == ENOENT || code == ENOTDIR: throw notFound(program, candidates)
    case LAUNCH_EXEC.rawValue:
      // The kernel reports the same for a directory as for a file without the right.
      let isDirectory = code == EACCES && candidates.contains(where: isDirectory)
      throw .notExecutable(program: program, SystemError(isDirectory ? EISDIR : code))
    default: throw .system(SystemError(code))
    }
  }

  /// A script whose interpreter is missing fails with ENOENT too: the file is there, so it cannot be executed.
  private func notFound(_ program: String, _ candidates: [OSString]) -> LaunchFailure {
    for candidate in candidates {
      let path = file(candidate)
      if unsafe path.pointer[0].map({ unsafe access($0, X_OK) }) == 0 {
        return .notExecutable(program: program, SystemError(ENOENT))
      }
    }
    return .notFound(program: program)
  }

  private func isDirectory(_ candidate: OSString) -> Bool {
    let path = file(candidate)
    var status = stat()
    return unsafe path.pointer[0].map { unsafe stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// A candidate as the child finds it, from the directory that it runs in.
  private func file(_ candidate: OSString) -> CStringArray {
    let isAbsolute = candidate.bytes.first == UInt8(ascii: "/")
    let base = isAbsolute ? [] : configuration.directory.map { Array("\($0)/".utf8) } ?? []
    return CStringArray([OSString(bytes: base + candidate.bytes)])
  }

  private var inputNumber: Int32 {
    configuration.standardInput?.withNumber { $0 } ?? -1
  }

  private func writer(of descriptor: Int32) -> Int32 {
    writers.first { $0.descriptor == descriptor }?.writer.withNumber { $0 } ?? -1
  }
}

/// An argv: C strings and a NULL at the end, freed with their owner.
@safe
private final class CStringArray {
  let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ strings: [OSString]) {
    count = strings.count
    unsafe pointer = .allocate(capacity: count + 1)
    for (index, string) in strings.enumerated() {
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.bytes.count + 1)
      for (offset, byte) in string.bytes.enumerated() { unsafe copy[offset] = CChar(bitPattern: byte) }
      unsafe copy[string.bytes.count] = 0
      unsafe (pointer + index).initialize(to: copy)
    }
    unsafe (pointer + count).initialize(to: nil)
  }

  deinit {
    for index in 0..<count { unsafe pointer[index]?.deallocate() }
    unsafe pointer.deallocate()
  }
}
