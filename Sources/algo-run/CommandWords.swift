internal import Glibc
internal import ProcessSupervision

/// The words behind `--` as the kernel gave them: Swift's own arguments have lost what is no UTF-8.
enum CommandWords {
  /// The last words of algo-run's own command line.
  static func last(_ count: Int) -> [KernelString] {
    let all = UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
    return all.suffix(count).compactMap { $0.map { KernelString(cString: $0) } }
  }
}
