// SPDX-License-Identifier: Apache-2.0
import Glibc
import ProcessSupervision
import Supervision
import Testing

/// The memory of a child, as the kernel counts it.
@Suite struct MemoryGaugeTests {
  @Test func `a running child has a peak of at least what it has now, and an ended one has none`() async {
    await #expect(processExitsWith: .success) {
      supervise { supervision in
        let child = try supervision.launch("sleep 1000")
        guard let gauge = child.memoryGauge, let memory = gauge.read(), let resident = gauge.readResident() else {
          return require(false)
        }
        require(memory.resident > 0 && memory.peak >= memory.resident && resident > 0)
        child.killNow()
        _ = supervision.end(of: child)
        require(gauge.read() == nil && gauge.readResident() == nil && child.memoryGauge == nil)
      }
    }
  }
}
