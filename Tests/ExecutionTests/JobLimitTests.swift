// SPDX-License-Identifier: Apache-2.0
import Execution
import Glibc
import Testing

/// How many executions run side by side under a limit of open files.
@Suite struct JobLimitTests {
  @Test func `no more run than descriptors allow, and always one`() async {
    await #expect(processExitsWith: .success) {
      func affordable(under files: rlim_t) -> Int {
        var limit = rlimit(rlim_cur: files, rlim_max: files)
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return -1 }
        return JobLimit.affordable(64)
      }
      let found = [800, 240, 107, 50].map(affordable)
      guard found == [64, 20, 1, 1] else { exit(1) }
    }
  }
}
