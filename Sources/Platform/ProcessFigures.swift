// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The resources that this process uses at a moment.
public struct ProcessFigures: Sendable {
  /// User and system time, in seconds.
  public let cpuSeconds: Double
  /// Open descriptors.
  public let openDescriptors: Int
  /// How many may be open; nil for no limit.
  public let descriptorLimit: Int?
  /// Bytes of virtual memory.
  public let virtualBytes: Int
  /// Bytes of resident memory.
  public let residentBytes: Int
  /// Threads.
  public let threads: Int

  /// The figures now; those that /proc does not give are 0.
  public init() {
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
    cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
    var limit = rlimit()
    unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    descriptorLimit = limit.rlim_cur == .max ? nil : Int(clamping: limit.rlim_cur)
    // Behind the name of the program, which may hold anything but the last closing bracket: state is the first field.
    let fields = Self.text("/proc/self/stat").split(separator: ")").last?.split(separator: " ") ?? []
    func field(_ index: Int) -> Int { index < fields.count ? Int(fields[index]) ?? 0 : 0 }
    threads = field(17)
    virtualBytes = field(20)
    residentBytes = field(21) * Int(sysconf(Int32(_SC_PAGESIZE)))
    openDescriptors = Self.entries("/proc/self/fd")
  }

  private static func text(_ path: String) -> String {
    guard let file = try? Descriptor.open(path, flags: O_RDONLY, mode: 0), let bytes = try? file.readAll(limit: 4096)
    else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Entries of a directory; the one of the listing itself is not counted.
  private static func entries(_ path: String) -> Int {
    guard let directory = unsafe opendir(path) else { return 0 }
    defer { unsafe closedir(directory) }
    var count = -1
    while let entry = unsafe readdir(directory) {
      if unsafe entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
    }
    return max(0, count)
  }
}
