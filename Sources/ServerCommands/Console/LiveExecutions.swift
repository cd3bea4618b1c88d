// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import HTTPService
internal import Platform
internal import RunModel
internal import StateStore

/// The live list of executions as server-sent events: executions of this server that are queued and run, immediately,
/// and those that ended in any process of the home within two seconds. The number of an event is that of its row in the
/// history, so a browser that comes back, be it after a restart, gets the events that it missed.
final class LiveExecutions: TimerHandler {
  private struct Follower {
    let stream: HTTPStream
    let filter: ExecutionsPage.Filter
    /// The number of the last execution that it knows; nil for the newest.
    var last: Int64?
  }

  private struct News: Sendable {
    var rows: [(number: Int64, row: ExecutionRow)] = []
    var last: Int64 = 0
  }

  private static let mostStreams = 64
  private static let mostMissed = 1000
  private static let pollInterval = Duration.seconds(1)
  private static let heartbeat = Duration.seconds(15)
  /// Bytes that a reader may be behind before it is let go.
  private static let mostWaiting = 4 << 20

  private let pages: StateThread
  private let calls: CallService
  private let loop: EventLoop
  private var followers: [Follower] = []
  private var shown: [ExecutionsPage.Live] = []
  private var isReading = false
  private var nextBeat = MonotonicInstant.now()
  private var timer: Timer?

  init(pages: StateThread, calls: CallService, loop: EventLoop) {
    (self.pages, self.calls, self.loop) = (pages, calls, loop)
  }

  /// Those of this server that have not ended.
  var unended: [ExecutionsPage.Live] {
    let running = calls.running
    return calls.unended.enumerated().map { place, call in
      let waited = MonotonicInstant.now().duration(since: call.submittedAt)
      return ExecutionsPage.Live(
        requestID: call.id, reference: call.version.reference, isRunning: place < running,
        since: WallClock.now() + .microseconds(-waited.wholeMicroseconds))
    }
  }

  /// Makes the exchange a stream of events.
  func follow(_ exchange: HTTPExchange) {
    guard followers.count < Self.mostStreams, !calls.isDraining else {
      return exchange.respond(HTTPResponse(status: 204, type: "text/plain", body: .bytes([])))
    }
    let target = exchange.request.target
    var filter = ExecutionsPage.Filter()
    filter.algorithm = target.parameter("algorithm") ?? ""
    filter.outcome = target.parameter("outcome") ?? ""
    let last = (exchange.request["last-event-id"] ?? target.parameter("after")).flatMap { Int64($0) }
    let stream = exchange.respond(
      streaming: HTTPResponse(type: "text/event-stream", body: .bytes([]), headers: [("X-Accel-Buffering", "no")]))
    stream.write(Array("retry: 3000\n\n".utf8))
    followers.append(Follower(stream: stream, filter: filter, last: last))
    send(unended, to: followers[followers.count - 1])
    poll()
  }

  /// Sends what changed on this server. The owner calls it after each turn of the loop.
  func advance() {
    guard !followers.isEmpty else { return }
    if calls.isDraining {
      for follower in followers { follower.stream.end() }
      followers = []
      timer = nil
      return
    }
    followers.removeAll { !$0.stream.isOpen }
    let now = unended
    let isSame = now.count == shown.count && zip(now, shown).allSatisfy { $0.isSame(as: $1) }
    guard !isSame else { return }
    shown = now
    for follower in followers { send(now, to: follower) }
  }

  func fired(_ timer: Timer, at now: MonotonicInstant) {
    if nextBeat <= now {
      nextBeat = now + Self.heartbeat
      for follower in followers { follower.stream.write(Array(": still here\n\n".utf8)) }
    }
    poll()
  }

  private func send(_ live: [ExecutionsPage.Live], to follower: Follower) {
    let kept = live.filter {
      follower.filter.algorithm.isEmpty || $0.reference.hasPrefix(follower.filter.algorithm + "/")
    }
    follower.stream.write(Self.event("now", id: nil, ExecutionsPage.event(kept, now: WallClock.now())))
  }

  private static func event(_ name: String, id: Int64?, _ data: [UInt8]) -> [UInt8] {
    Array("event: \(name)\n\(id.map { "id: \($0)\n" } ?? "")data: ".utf8) + data + Array("\n\n".utf8)
  }

  /// Asks for what ended since, unless that is under way.
  private func poll() {
    guard !followers.isEmpty, !isReading else { return }
    isReading = true
    let first = followers.compactMap(\.last).min() ?? .max
    pages.run { routes -> News? in
      do throws(StateError) {
        let history = try routes.history()
        var news = News()
        news.last = try history.lastNumber()
        let start = max(first, news.last - Int64(Self.mostMissed))
        try history.forEachLine(after: start, limit: Self.mostMissed) { number, line in
          if let row = ExecutionRow(line) { news.rows.append((number, row)) }
          news.last = max(news.last, number)
        }
        return news
      } catch { return nil }
    } then: { [self] news in
      isReading = false
      if let news { deliver(news) }
      guard !followers.isEmpty else { return }
      timer = loop.schedule(at: .now() + Self.pollInterval, self)
    }
  }

  private func deliver(_ news: News) {
    let now = WallClock.now()
    for index in followers.indices {
      let follower = followers[index]
      guard let last = follower.last else {
        followers[index].last = news.last
        continue
      }
      if news.last - last > Int64(Self.mostMissed) {
        follower.stream.write(Self.event("reset", id: news.last, Array("{}".utf8)))
      } else {
        for (number, row) in news.rows where number > last && follower.filter.keeps(row) {
          follower.stream.write(
            Self.event("execution", id: number, ExecutionsPage.event(row, number: number, now: now)))
        }
      }
      followers[index].last = max(last, news.last)
      if follower.stream.waitingBytes > Self.mostWaiting { follower.stream.end() }
    }
  }
}
