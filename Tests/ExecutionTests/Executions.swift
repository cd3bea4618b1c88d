// SPDX-License-Identifier: Apache-2.0
import Execution
import Glibc
import Platform
import RunModel
import Supervision

extension ProcessExecutor {
  /// An executor on the supervisor of a test.
  convenience init(on supervision: Supervision, slots: Int = 4, secrets: [String] = []) {
    self.init(supervisor: supervision.supervisor, slots: slots, format: .standard, secrets: secrets)
  }
}

extension Supervision {
  /// Turns the loop until executions have ended.
  func completions(of executor: ProcessExecutor) -> [Completion] {
    while true {
      loop.turn()
      let completions = executor.takeCompletions()
      if !completions.isEmpty { return completions }
    }
  }

  /// Turns the loop until the only execution that can end has ended.
  func completion(of executor: ProcessExecutor) -> Completion { completions(of: executor)[0] }

  /// The record of one shell that runs `script`, and its output.
  func run(
    _ script: String, insights: Bool = true, _ configure: (inout ExecutionRequest) -> Void = { _ in }
  ) throws -> (record: ExecutionRecord, output: Output) {
    let executor = ProcessExecutor(on: self)
    let output = Output()
    var request = ExecutionRequest.shell(script, insights: insights)
    configure(&request)
    _ = try executor.start(request, output: output)
    return (completion(of: executor).record, output)
  }
}

extension ExecutionRequest {
  /// A request to run a shell as version demo/test/1.2.3.
  static func shell(_ script: String, insights: Bool = true) -> ExecutionRequest {
    let version = PublishedVersion(
      algorithm: try? AlgorithmName(parsing: "demo/test"), script: script, insights: insights)
    return ExecutionRequest(
      id: "req-7", target: ExecutionTarget(version: version), limits: RunLimits(), trace: nil)
  }
}

extension PublishedVersion {
  fileprivate init(algorithm: AlgorithmName?, script: String, insights: Bool) {
    guard let algorithm else { _exit(EXIT_FAILURE) }
    self.init(
      algorithm: algorithm, version: VersionNumber(major: 1, minor: 2, revision: 3),
      command: ["/bin/sh", "-c", script],
      directory: nil, timeLimit: nil, environment: [], notes: "", publishedAt: Timestamp(microseconds: 0),
      insights: insights)
  }
}
