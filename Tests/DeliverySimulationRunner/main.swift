// SPDX-License-Identifier: Apache-2.0
import DeliverySimulation
import Foundation
import Platform
import Synchronization

// Runs seeded schedules of delivery and prints the seed of each that breaks a promise:
//
//     delivery-simulation [COUNT [FIRST]]       COUNT schedules from seed FIRST on (20,000 from 1)
//     delivery-simulation replay SEED           one schedule, printed step by step

/// In memory, if the system has such a place: a disk would sync thousands of times.
let place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NSTemporaryDirectory()
let scratch = "\(place)/delivery-simulation-\(getpid())"

@Sendable func run(_ seed: UInt64, _ trace: @escaping (String) -> Void = { _ in }) -> String? {
  let directory = "\(scratch)-\(seed)"
  defer { try? FileManager.default.removeItem(atPath: directory) }
  do { try Schedule.run(seed: seed, in: directory, trace: trace) } catch { return "\(error)" }
  return nil
}

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.first == "replay", arguments.count == 2, let seed = UInt64(arguments[1]) {
  let problem = run(seed) { print($0) }
  print(problem ?? "seed \(seed) keeps every promise")
  exit(problem == nil ? 0 : 1)
}
let count = arguments.first.flatMap { UInt64($0) } ?? 20_000
let first = arguments.dropFirst().first.flatMap { UInt64($0) } ?? 1

let failed = Mutex<[UInt64]>([])
let jobs = UInt64(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
let threads = try (0..<jobs).map { job in
  try Thread.start {
    for seed in stride(from: first + job, to: first + count, by: Int(jobs)) {
      guard let problem = run(seed) else { continue }
      print("seed \(seed): \(problem); replay it with: delivery-simulation replay \(seed)")
      failed.withLock { $0.append(seed) }
    }
  }
}
for thread in threads { thread.join() }
let failures = failed.withLock { $0.count }
print("\(Int(count) - failures) passed, \(failures) failed")
exit(failures == 0 ? 0 : 1)
