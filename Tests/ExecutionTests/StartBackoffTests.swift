// SPDX-License-Identifier: Apache-2.0
import Platform
import RunModel
import Testing

@testable import Execution

/// When workers that could not start are tried again, and when each is replaced.
@Suite struct StartBackoffTests {
  @Test func `the pause doubles with each failed start, to half a minute at most`() {
    var backoff = StartBackoff(most: 100)
    let now = MonotonicInstant.now()
    let pauses = (0..<12).map { _ in
      _ = backoff.failed(at: now)
      return backoff.nextStart?.duration(since: now)
    }
    #expect(
      pauses.prefix(5) == [
        .milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800), .milliseconds(1600),
      ])
    #expect(pauses.suffix(3) == [.seconds(30), .seconds(30), .seconds(30)])
  }

  @Test func `each failed start counts until one succeeds, and no more are under way than may fail`() {
    var backoff = StartBackoff(most: 3)
    let now = MonotonicInstant.now()
    #expect(backoff.room == .max)
    #expect(!backoff.failed(at: now) && !backoff.failed(at: now) && backoff.room == 1)
    backoff.succeeded()
    #expect(backoff.nextStart == nil && backoff.room == .max)
    #expect(!backoff.failed(at: now) && !backoff.failed(at: now) && backoff.failed(at: now))
  }

  @Test func `workers are replaced after different numbers of requests, a tenth around the given one`() {
    var settings = WorkerSettings()
    #expect(settings.requestQuota() == 0)
    settings.maxRequests = 1000
    let quotas = (0..<200).map { _ in settings.requestQuota() }
    #expect(quotas.allSatisfy { (900...1100).contains($0) } && Set(quotas).count > 10)
    settings.maxRequests = 9
    #expect(settings.requestQuota() == 9)
  }
}
