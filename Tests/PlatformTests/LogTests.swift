// SPDX-License-Identifier: Apache-2.0
import Platform
import Synchronization
import Testing

@Suite("Log")
struct LogTests {
  @Test func `a log passes messages of its minimum level and above, and computes no others`() {
    let lines = Mutex<[String]>([])
    let log = Log(from: .warning) { entry in lines.withLock { $0.append("\(entry.level): \(entry.message)") } }
    var computed = false
    func expensive() -> String {
      computed = true
      return "detail"
    }
    log.info(expensive())
    log.warning("disk is nearly full")
    log.error("disk is full")
    #expect(!computed)
    #expect(lines.withLock { $0 } == ["warning: disk is nearly full", "error: disk is full"])
  }

  @Test func `fields reach the sink with their message`() {
    let fields = Mutex<[String]>([])
    let log = Log { entry in fields.withLock { $0 = entry.fields.map { "\($0.name)=\($0.value)" } } }
    log.write(.info, "delivered", [("records", "12")])
    #expect(fields.withLock { $0 } == ["records=12"])
  }
}
