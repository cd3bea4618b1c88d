internal import Execution
internal import Platform
internal import RunModel

/// The story of a request in a batch, top-down: taken from the list, launched, tried again, finished, and written once
/// its payload is safe.
extension BatchRun {
  /// Results that may wait for their payloads or their reader.
  private static let mostPending = 256
  /// Bytes of captured output that may wait with them.
  private static let mostPendingBytes = 1 << 19
  /// Failed requests that may wait for their next attempt: each may hold a file for its input and one for its output.
  private static let mostRetrying = 64
  /// Lines about rejected metrics; the summary counts the others.
  static let rejectionLines = 20

  // MARK: Starting

  func startRequests() -> Bool {
    startRetries()
    // A bounded number at once: reading a list of skipped or unusable requests must not keep the loop from children.
    for _ in 0..<256 {
      guard canStart else { return false }
      if let limit = settings.limit, taken >= limit { listHasEnded = true }
      guard !listHasEnded else { return false }
      do throws(BatchFailure) {
        switch try reader.next() {
        case .request(let request): try take(request)
        case .again: return true
        case .wait(let descriptor):
          requestGate.wait(for: descriptor)
          return false
        case .end: listHasEnded = true
        }
      } catch { stopReading(error) }
    }
    return true
  }

  var canStart: Bool { course == .running && !listHasEnded && hasRoom }

  private var hasRoom: Bool {
    executor.freeSlots > 0 && retrying.count < Self.mostRetrying && !retrying.holdsPostponed && !isAboutToHalt
      && unsettled.count + output.backlog < Self.mostPending && pool.pendingBytes < Self.mostPendingBytes
      && keptOrder?.admits(nextOrdinal) != false
  }

  /// Whether the batch is to halt if all that wait for another attempt fail again: until that is known, nothing new.
  private var isAboutToHalt: Bool {
    guard let halt = settings.halt, !retrying.isEmpty else { return false }
    let (failed, finished) = (tally.failed + retrying.count, tally.finished + retrying.count)
    return halt.isMet(failed: failed, finished: finished, total: count.total)
  }

  private func take(_ request: Request) throws(BatchFailure) {
    if let succeeded, request.problem == nil, try succeeded.count(request.key) > 0 {
      tally.skipped += 1
      return
    }
    taken += 1
    defer { nextOrdinal += 1 }
    if let problem = request.problem {
      let record = ExecutionRecord.failedToStart(
        requestID: request.requestID ?? RequestID.random(), version: settings.version, attempts: 0,
        at: WallClock.now(), reason: problem)
      finish(FinishedRequest(request: request, ordinal: nextOrdinal, record: record, capture: nil))
    } else {
      launch(Attempt(request: request, ordinal: nextOrdinal, capture: pool.take(), settings))
    }
  }

  private func startRetries() {
    while executor.freeSlots > 0, let attempt = retrying.take(at: .now(), all: course > .running) {
      // Whoever is asked to finish starts nothing: the last attempt stands.
      if course > .running, let record = attempt.record { finish(attempt, record) } else { launch(attempt) }
    }
  }

  private func launch(_ attempt: Attempt) {
    do throws(StartFailure) {
      running[try attempt.start(on: executor)] = attempt
    } catch {
      let record = attempt.execution.failedToStart(at: WallClock.now(), because: "\(error)")
      if error.isPassing, course == .running, attempt.postpone(after: record) {
        return retrying.add(attempt, after: Backoff(first: Attempt.firstPostponement), tries: attempt.postponements)
      }
      finish(attempt, record)
    }
    if attempt.execution.attempt > 1 { tally.retries += 1 }
  }

  // MARK: Finishing

  func ended(_ attempt: Attempt, _ record: ExecutionRecord) {
    if let problem = attempt.capture.output.failure { return leaveOut(attempt, record, because: problem) }
    if record.outcome != .succeeded, retry(attempt, after: record) { return }
    finish(attempt, record)
  }

  /// The disk had no room for what the child wrote. A part of it would pass for the whole with whoever reads the
  /// results, `--resume` included: so there is no line, and the request runs again. What it measured is published.
  private func leaveOut(_ attempt: Attempt, _ record: ExecutionRecord, because problem: BatchFailure) {
    display.say("\(attempt.request.source): its output could not be kept, so it has no result; --resume runs it again.")
    stopReading(problem)
    attempt.capture.reset()
    if let payloads, let insightsRecord = record.insightsRecord { _ = payloads.enqueue(insightsRecord) }
    keptOrder?.leaveOut(attempt.ordinal)
  }

  /// Puts a failed attempt aside for another one, if it has one left.
  private func retry(_ attempt: Attempt, after record: ExecutionRecord) -> Bool {
    guard record.attempts <= settings.retries, course == .running else { return false }
    attempt.retry(after: record)
    retrying.add(attempt, after: Backoff(first: settings.retryDelay), tries: record.attempts)
    return true
  }

  private func finish(_ attempt: Attempt, _ record: ExecutionRecord) {
    finish(
      FinishedRequest(request: attempt.request, ordinal: attempt.ordinal, record: record, capture: attempt.capture))
  }

  private func finish(_ finished: FinishedRequest) {
    report(finished)
    tally.count(finished.record, truncated: finished.capture?.output.isTruncated ?? false)
    pool.finished(finished.capture)
    if course == .running, let halt = settings.halt,
      halt.isMet(failed: tally.failed, finished: tally.finished, total: count.total)
    {
      (course, cut) = (.finishing, .halted)
      let failed = Figures.counted(tally.failed, "failed request")
      display.say("halting after \(failed) (--halt-after \(halt.words)); running ones finish.")
    }
    guard let payloads, let insightsRecord = finished.record.insightsRecord else { return emit(finished) }
    // From here on the queue holds the payload; a result line has none.
    finished.record.payload = nil
    unsettled[payloads.enqueue(insightsRecord)] = finished
  }

  private func report(_ finished: FinishedRequest) {
    let before = tally.rejections
    for (offset, rejection) in finished.record.metrics.rejected.enumerated()
    where before + offset < Self.rejectionLines {
      display.say("\(finished.source): \(rejection)")
    }
  }

  func settle() {
    guard !unsettled.isEmpty, let payloads else { return }
    for durable in payloads.takeDurable() {
      guard let finished = unsettled.removeValue(forKey: durable.ticket) else { continue }
      finished.record.delivery = durable.delivery
      emit(finished)
    }
  }

  private func emit(_ finished: FinishedRequest) {
    guard let keptOrder else { return output.append(finished) }
    do throws(BatchFailure) { try keptOrder.take(finished) } catch { stopWriting(error) }
  }
}
