// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import RunModel

/// The time of day, which timestamps and delivery windows use: it advances while no process of ours runs.
public enum WallClock {
  /// This moment.
  public static func now() -> Timestamp {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }
}
