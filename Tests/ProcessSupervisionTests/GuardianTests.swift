// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import ProcessSupervision
import Supervision
import Testing

@Suite("The guardian")
struct GuardianTests {
  @Test func `a descendant does not survive a supervisor that is killed`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let (reader, writer) = try Descriptor.pipe()
        let killed = fork {
          let inner = try Supervision()
          let output = Output()
          // The leader dies with the supervisor by itself. The descendant does not.
          _ = try inner.launch("sleep 60 & echo $!; wait", output: output)
          inner.turn { output.number != nil }
          try writer.writeAll(Array("\(output.number ?? 0)".utf8))
          kill(getpid(), SIGKILL)
        }
        var status: CInt = 0
        require(waitpid(killed, &status, 0) == killed && status == SIGKILL)
        var text = [UInt8](repeating: 0, count: 16)
        let length = reader.withNumber { read($0, &text, text.count) }
        let descendant = Int32(String(decoding: text.prefix(max(0, length)), as: UTF8.self))
        require(descendant != nil)
        // The supervisor of this process inherits it and reaps it.
        supervision.turn { kill(descendant ?? 1, 0) != 0 && errno == ESRCH }
      }
    }
  }
}
