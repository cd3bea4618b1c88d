// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The request that is being answered. Give it to a thread, which belongs to no request by itself, and report by it there.
public final class AlgorithmRequest: @unchecked Sendable {
  @TaskLocal static var current: AlgorithmRequest?

  /// Its id.
  public let id: String?
  /// The version that answers it, as `owner/name/version`.
  public let reference: String?
  /// When its time limit ends; nil if there is none.
  public let deadline: ContinuousClock.Instant?
  /// The trace that it belongs to, as a W3C `traceparent`.
  public let traceparent: String?

  /// Nil for a program that runs without a supervisor of workers; 0 for a report of no request.
  private let number: Int?
  /// Where it reports while it is open; nil if only the descriptor that all requests share is left.
  private let channel: CInt?
  /// Guarded by ``WriteLock``.
  private var isOpen: Bool
  /// Guarded by ``WriteLock``.
  private nonisolated(unsafe) static var hasWarned = false

  private init(
    id: String?, deadline: ContinuousClock.Instant?, traceparent: String?, number: Int?, channel: CInt?, isOpen: Bool
  ) {
    self.id = id
    self.deadline = deadline
    self.traceparent = traceparent
    self.number = number
    self.channel = channel
    self.isOpen = isOpen
    let parts = ["ALGO_OWNER", "ALGO_NAME", "ALGO_VERSION"].compactMap(MetricsChannel.variable)
    reference = parts.count == 3 ? parts.joined(separator: "/") : nil
  }

  /// A request as a supervisor sends it.
  convenience init(_ frame: WorkerFrame, channel: CInt?) {
    let limit = frame["timeout"].flatMap { Int($0) } ?? 0
    self.init(
      id: frame["id"], deadline: limit > 0 ? .now + .milliseconds(limit) : nil, traceparent: frame["traceparent"],
      number: frame.number, channel: channel, isOpen: true)
  }

  /// The one request of a program that runs without a supervisor of workers.
  static func alone() -> AlgorithmRequest {
    AlgorithmRequest(
      id: MetricsChannel.variable("ALGO_REQUEST_ID"), deadline: nil,
      traceparent: MetricsChannel.variable("TRACEPARENT"), number: nil, channel: nil, isOpen: true)
  }

  /// Where a thread of no request reports to: number 0 never runs.
  static let noRequest = AlgorithmRequest(
    id: nil, deadline: nil, traceparent: nil, number: 0, channel: nil, isOpen: false)

  /// Before the answer, so that nothing that comes later can be taken for the next request's.
  func close(thenWithLock body: () -> Void) {
    WriteLock.shared.withLock {
      isOpen = false
      body()
    }
  }

  /// The number identifies its request to the supervisor, which counts one that comes after its answer as late.
  func send(_ line: [UInt8]) {
    guard let number else { return MetricsChannel.send(line) }
    MetricsChannel.echo(line)
    WriteLock.shared.withLock {
      if isOpen, let channel {
        MetricsChannel.write(line, to: channel)
        return
      }
      if !isOpen, !Self.hasWarned {
        Self.hasWarned = true
        let sentence =
          "algo-run: late_report: report() on a thread of no request, or after its answer; give the thread current()\n"
        MetricsChannel.write(Array(sentence.utf8), to: 2)
      }
      if let shared = Worker.shared { MetricsChannel.write(Array("\u{1E}\(number) ".utf8) + line, to: shared) }
    }
  }

  /// Reports metrics of this request, from any thread. After its answer they count as late.
  ///
  /// - Throws: ``MetricError``, as the function `report`.
  public func report(_ metrics: KeyValuePairs<String, any MetricNumber>) throws(MetricError) {
    if let line = try MetricLine(metrics) { send(line.bytes) }
  }
}
