// SPDX-License-Identifier: Apache-2.0
internal import CProcessLaunch
internal import Glibc
internal import Platform

/// Reads and resets the memory marks of one process, through files of `/proc` that stay open: a reading costs one call.
public final class MemoryGauge {
  private let status: Descriptor
  private let sizes: Descriptor?
  private let reset: Descriptor?

  /// Nil without `/proc`.
  init?(pid: Int32) {
    guard let status = try? Descriptor.reading("/proc/\(pid)/status") else { return nil }
    self.status = status
    sizes = try? Descriptor.reading("/proc/\(pid)/statm")
    reset = try? Descriptor.open("/proc/\(pid)/clear_refs", flags: O_WRONLY, mode: 0)
  }

  /// Begins a new peak at the memory of this moment.
  public func resetPeak() {
    _ = reset?.withNumber { unsafe write($0, "5", 1) }
  }

  /// Present memory in bytes, by a call that costs a sixth of ``read()``; nil once the process has ended.
  public func readResident() -> Int64? {
    guard let sizes else { return nil }
    let pages = sizes.withNumber { read_resident($0) }
    return pages > 0 ? pages * Int64(getpagesize()) : nil
  }

  /// Peak and present memory in bytes; nil once the process has ended.
  public func read() -> (peak: Int64, resident: Int64)? {
    var peak: Int64 = 0
    var resident: Int64 = 0
    guard status.withNumber({ unsafe read_memory($0, &peak, &resident) }) else { return nil }
    return (peak * 1024, resident * 1024)
  }
}
