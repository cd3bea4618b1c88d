// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Opened once by one thread, waited for by another.
struct Gate: Sendable {
  let reader: CInt
  private let writer: CInt

  init() {
    var ends: [CInt] = [-1, -1]
    pipe(&ends)
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (reader, writer) = (ends[0], ends[1])
  }

  func open() {
    close(writer)
  }

  func wait() {
    var byte: UInt8 = 0
    read(reader, &byte, 1)
    close(reader)
  }
}
