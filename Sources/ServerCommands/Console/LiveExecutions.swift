// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import HTTPService
internal import Platform
internal import RunModel
internal import StateStore

/// The live list of executions: what is queued and runs on this server at once, and what ended in any process of the home
/// within two seconds, as server-sent events. The number of an event is that of its row in the history, so a browser that
/// comes back, be it after a restart, gets what it missed.
final class LiveExecutions: TimerHandler {
  private struct Follower {
    let stream: HTTPStream
    let filter: ExecutionsPage.Filter
    var last: Int64
    /// A reader of the history is on its way with news for it.
    var isNew = true
  }

  private static let mostStreams = 64
  private static let mostMissed = 1000
  private static let pollInterval = Duration.seconds(1)
  private static let heartbeat = Duration.seconds(15)
  /// Bytes that a reader may be behind before it is let go.
  private static let mostWaiting = 4 << 20

  private let pages: StateThread
  private let calls: CallService
  private var followers: [Follower] = []
  private var seenChanges: UInt64 = 0
  private var isReading = false
  private var lastBeat = MonotonicInstant.now()
  private var timer: Timer?
  private let loop: EventLoop
  private var isEnding = false

  init(pages: StateThread, calls: CallService, loop: EventLoop) {
    (self.pages, self.calls, self.loop) = (pages, calls, loop)
  }

  /// Those of this server that have not ended.
  var unended: [ExecutionsPage.Live] { [] }

  func follow(_ exchange: HTTPExchange) {}
  func advance() {}
  func fired(_ timer: Timer, at now: MonotonicInstant) {}
}
