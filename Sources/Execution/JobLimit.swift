// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// How many children the limit of open files allows: a launch that fails for want of a descriptor would look like a
/// failed request.
public enum JobLimit {
  /// Three captures, their writing ends and stdin for the moment of the launch.
  public static let processDescriptors = 7
  /// Everything else: files, databases, broker connections, results on their way.
  public static let descriptorsForOthers = 100

  /// `wanted`, or fewer; at least 1.
  public static func affordable(_ wanted: Int, descriptorsPerJob: Int = processDescriptors) -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return wanted }
    let affordable = (Int(clamping: limit.rlim_cur) - descriptorsForOthers) / descriptorsPerJob
    return max(1, min(wanted, affordable))
  }

  /// The processors that this process may use.
  public static var processors: Int {
    max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }
}
