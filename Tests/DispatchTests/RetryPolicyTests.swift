// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import RequestDispatch

@Suite struct RetryPolicyTests {
  @Test func `waits double up to their bound, and chance takes at most half`() {
    var generator = SystemRandomNumberGenerator()
    let policy = RetryPolicy(limit: 3)
    for (attempt, full) in [(1, 500), (2, 1000), (3, 2000), (10, 30_000), (60, 30_000)] {
      for _ in 0..<50 {
        let delay = policy.delay(after: attempt, using: &generator)
        #expect(delay >= .milliseconds(full / 2) && delay <= .milliseconds(full))
      }
    }
  }
}
