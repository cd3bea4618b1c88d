// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Platform
public import ProcessSupervision

/// Has a thread find out what only brokers know, for as long as that takes, and hears signals in the meantime.
public enum StartWait {
  /// - Returns: what `work` found; nil if a signal asked for the end, and then the thread is left behind.
  /// - Throws: the system's error if it has no thread left.
  public static func value<Value: Sendable>(
    on loop: EventLoop, _ supervisor: Supervisor, of work: @escaping @Sendable () -> Value
  ) throws(SystemError) -> Value? {
    let found = Mailbox<Value>(waking: loop)
    _ = try Thread.start { found.post(work()) }
    while true {
      loop.turn()
      if let value = found.takeAll().first { return value }
      let endings = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
      if supervisor.takeSignals().contains(where: { endings.contains($0.number) }) { return nil }
    }
  }
}
