internal import Glibc
public import RunModel

/// The clock that delivery windows are measured by: it goes on while nobody runs, as they do.
public enum WallClock {
  /// This moment.
  public static func now() -> Timestamp {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }
}
