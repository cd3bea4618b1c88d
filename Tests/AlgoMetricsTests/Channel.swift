// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A metrics channel as a supervisor gives it: the writing end of a pipe, named in the environment.
///
/// The environment belongs to the whole process, so every test that makes one does so in a process of its own.
struct Channel {
  let reader: CInt
  let writer: CInt

  init() {
    var ends: [CInt] = [-1, -1]
    pipe(&ends)
    reader = ends[0]
    writer = ends[1]
    setenv("ALGO_METRICS_FD", String(writer), 1)
    unsetenv("ALGO_METRICS_ECHO")
  }

  /// For a process that makes many.
  func close() {
    Glibc.close(reader)
    Glibc.close(writer)
  }

  /// Keeps writes apart: from here on a read finds what one write carried.
  func keepWritesApart() -> Bool {
    #if arch(arm64)
      let packets: CInt = 0o200000
    #else
      let packets: CInt = 0o40000
    #endif
    return fcntl(writer, F_SETFL, O_WRONLY | packets) == 0
  }

  /// The result of one read, without waiting for more.
  func written() -> String {
    var waiting = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, 0) == 1, waiting.revents & Int16(POLLIN) != 0 else { return "" }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = read(reader, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
  }
}
