// SPDX-License-Identifier: Apache-2.0
import DeliverySimulation
import Foundation
import Testing

/// The one worker of delivery with its real outbox in a simulated world. `make check` runs many more schedules.
@Suite(.timeLimit(.minutes(5))) struct DeliverySimulationTests {
  private func run(
    _ seed: UInt64, _ fault: PlantedFault? = nil, _ trace: @escaping (String) -> Void = { _ in }
  ) -> Violation? {
    let place = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()
    let directory = place + "simulation-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    do {
      try Schedule.run(seed: seed, in: directory, fault: fault, trace: trace)
    } catch {
      return error as? Violation
    }
    return nil
  }

  @Test func `schedules of failures, outages, crashes and clock steps keep every promise`() {
    for seed in 1...100 as ClosedRange<UInt64> { #expect(run(seed) == nil, "seed \(seed)") }
  }

  @Test(arguments: PlantedFault.allCases) func `a planted fault is found, as a break of the promise that it breaks`(
    _ fault: PlantedFault
  ) {
    let found = (1...100 as ClosedRange<UInt64>).first { run($0, fault)?.promise == fault.broken }
    #expect(found != nil)
  }

  @Test func `a seed gives the same schedule each time`() {
    for seed in 1...10 as ClosedRange<UInt64> {
      func story() -> [String] {
        var lines: [String] = []
        _ = run(seed) { lines.append($0.replacing(/simulation-[0-9A-F-]*/, with: "home")) }
        return lines
      }
      #expect(story() == story(), "seed \(seed)")
    }
  }
}
