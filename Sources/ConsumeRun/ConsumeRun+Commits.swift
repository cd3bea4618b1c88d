// SPDX-License-Identifier: Apache-2.0
internal import BatchRun
internal import Execution
internal import KafkaClient
internal import Platform
internal import RunModel

/// From answers to a commit.
extension ConsumeRun {
  // MARK: Commits

  func scheduleCommit() { commitDue = commitDue ?? .now() + settings.commitInterval }

  func write(at now: MonotonicInstant) {
    guard writing == nil, !isLeaving, let due = commitDue else { return }
    let isFull = answers.count >= settings.commitCount || answerBytes >= Self.commitBytes
    let isLast = drainEnd != nil || queue.partitions.contains { $0.isLeaving }
    let isQuiet = isLast && running.isEmpty && storing.isEmpty
    guard due <= now || isFull || isQuiet else { return }
    commitDue = nil
    let offsets = queue.partitions.filter { $0.isDirty }.map(\.offset)
    guard !offsets.isEmpty || !answers.isEmpty || !extra.isEmpty else { return }
    writing = Commit(answers: answers, extra: extra, offsets: offsets, losses: losses)
    (answers, extra, answerBytes) = ([], [], 0)
  }

  /// Goes on with a commit, by a few of its answers: while they are worked on, no worker gets its next request.
  func continueCommit() {
    switch writing?.step {
    case .records: makeRecords()
    case .counts: countAnswers(atMost: Commit.turn)
    case .brokers, nil: break
    }
  }

  private func makeRecords() {
    guard var commit = writing.take() else { return }
    do throws(SystemError) {
      for answer in commit.nextToRecord(atMost: Commit.turn) { try writer.add(answer, to: &commit.records) }
    } catch {
      takeBack(commit)
      return leave(
        ConsumeEnd(status: 125, sentence: "results cannot be read back (\(error)); check the disk of $TMPDIR."))
    }
    if commit.hasAllRecords {
      commit.step = .brokers
      member.send(.write(commit.takeRecords(), commit.offsets, losses: commit.losses))
    }
    writing = commit
  }

  func written(in span: Duration) {
    guard writing != nil else { return }
    writing?.step = .counts
    if lastTrouble.take() != nil { display.print("the brokers answer again") }
    figures.commits += 1
    figures.commitTime += span
    figures.lastCommit = span
    for offset in writing?.offsets ?? [] { queue[offset.partition]?.committed = offset }
  }

  /// Counts answers that are committed, and keeps them in the history.
  func countAnswers(atMost limit: Int) {
    guard var commit = writing.take() else { return }
    for answer in commit.nextToCount(atMost: limit) {
      count(answer)
      history?.append(committedRecord(of: answer), inputSHA256: answer.request.inputSHA256)
      forget(answer)
    }
    if !commit.answers.isEmpty {
      writing = commit
    } else if queue.partitions.contains(where: \.isDirty) {
      scheduleCommit()
    }
  }

  private func count(_ answer: Answer) {
    let outcome = answer.record.outcome
    figures.committed += 1
    figures.outcomes[outcome, default: 0] += 1
    if outcome != .succeeded { figures.failed += 1 }
    if answer.deadReason != nil, writer.plan.deadLetters != nil { figures.deadLetters += 1 }
  }

  private func committedRecord(of answer: Answer) -> ExecutionRecord {
    var record = answer.record
    if record.isPublished { record.delivery = Delivery(payloads == nil ? .delivered : .queued) }
    return record
  }

  /// Nothing of it was written: all of it goes into the next transaction.
  func aborted(because cause: KafkaCause) {
    figures.aborts += 1
    guard let commit = writing.take() else { return }
    takeBack(commit)
    display.print("a transaction was aborted and is written again: \(cause.text)")
    commitDue = .now() + Self.abortPause
  }

  private func takeBack(_ commit: Commit) {
    let kept = commit.answers.filter { !$0.request.isAbandoned }
    for answer in commit.answers where answer.request.isAbandoned { keep(answer) }
    answers = kept + answers
    extra = commit.extra + extra
    answerBytes = answers.reduce(0) { $0 + ($1.result?.count ?? 0) }
  }

  func forget(_ answer: Answer) {
    answer.request.partition.uncommitted -= 1
    if let result = answer.result { store.release(result) }
  }

  /// Its partition was lost, and may come back.
  func keep(_ answer: Answer) {
    let request = answer.request
    // If it is back already, it may have delivered this request, which then runs again.
    let isLate = queue[request.partition.number].map { $0.progress.position > request.offset } ?? false
    if isLate || !lostAnswers.keep(answer) { forget(answer) }
  }

  /// A request was delivered again that ended before its partition was lost, and no member has committed it.
  func reuse(_ answer: Answer, in partition: PartitionWork) {
    answer.request.partition = partition
    answer.request.isAbandoned = false
    partition.uncommitted += 1
    add(answer)
  }

  func abandon(_ request: IncomingRequest) { request.isAbandoned = true }

  /// Answers of a partition that another member may own by now.
  func discard(of partition: PartitionWork) {
    func isGone(_ answer: Answer) -> Bool { answer.request.partition === partition }
    extra.removeAll { $0.partition == partition.number }
    writing?.extra.removeAll { $0.partition == partition.number }
    for answer in answers where isGone(answer) {
      abandon(answer.request)
      keep(answer)
    }
    answers.removeAll { $0.request.isAbandoned }
    for answer in storing.values where isGone(answer) { abandon(answer.request) }
    // Those of a transaction under way are dropped when it is aborted, which the group sees to.
    for answer in writing?.answers ?? [] where isGone(answer) { abandon(answer.request) }
  }
}
