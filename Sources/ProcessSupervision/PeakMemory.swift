// SPDX-License-Identifier: Apache-2.0
internal import CProcessLaunch
internal import Glibc
internal import Platform

/// Peak memory of a child, separate from the supervisor's own.
///
/// The kernel's `ru_maxrss` of a child starts from the memory of the process that executed it (the old memory map
/// counts until exec). That floor is measured in the child, right before its exec: a reading clearly above it is the
/// program's own. A reading below it means nothing, so the program's own mark, `VmHWM`, is looked at while it lives;
/// it is gone once the child is a zombie, and means nothing for a program that was looked at only as it started: after
/// the last look it may have used no more processor time than before. Where neither is known the answer is nil.
struct PeakMemory {
  /// Counters of resident pages are exact only to a batch a processor: so far above the floor, a reading is certainly
  /// the program's.
  private static let margin: Int64 = 256
  /// Most programs younger than this are still being loaded.
  private static let firstSample = Duration.milliseconds(20)

  private let floor: Int64
  /// The greatest mark, and the processor time at the last look.
  private var sampled: (kilobytes: Int64, cpuTime: Duration)?
  private var interval = firstSample
  /// When to look next.
  private(set) var nextSample: MonotonicInstant

  init(floor: Int64, launchedAt: MonotonicInstant) {
    self.floor = floor
    nextSample = launchedAt + interval
  }

  /// Looks at a living child. Intervals double to half a second: early growth is seen, a long run costs nothing.
  ///
  /// - Parameter cpuTime: its processor time now.
  mutating func sample(pid: Int32, cpuTime: Duration?, now: MonotonicInstant) {
    if let cpuTime, let kilobytes = Self.highWaterMark(of: pid) {
      sampled = (max(sampled?.kilobytes ?? 0, kilobytes), cpuTime)
    }
    interval = min(interval * 2, .milliseconds(500))
    nextSample = now + interval
  }

  /// The child's peak in bytes, given the kernel's reading after its end and its processor time then; nil if it is
  /// unknown.
  func bytes(kernelReading kilobytes: Int64, cpuTime: Duration?) -> Int64? {
    if kilobytes > floor + Self.margin { return kilobytes * 1024 }
    guard let sampled, let cpuTime, sampled.cpuTime * 2 >= cpuTime else { return nil }
    return sampled.kilobytes * 1024
  }

  /// `VmHWM` of a process in kilobytes.
  private static func highWaterMark(of pid: Int32) -> Int64? {
    unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer -> Int64? in
      let length = unsafe read_small_file("/proc/\(pid)/status", buffer.baseAddress, Int64(buffer.count))
      guard length > 0 else { return nil }
      let text = unsafe String(decoding: UnsafeRawBufferPointer(rebasing: buffer[..<Int(length)]), as: UTF8.self)
      guard let mark = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }) else { return nil }
      return Int64(mark.split(whereSeparator: { !$0.isNumber }).first ?? "")
    }
  }
}
