// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import BatchRun

/// How a batch ends early, one signal or failure after the other.
@Suite struct BatchPhaseTests {
  private let failure = BatchFailure.outputReaderGone
  private let later = BatchFailure.cannotSpill(code: 28)

  @Test func `each signal goes one stage further`() {
    var phase = BatchPhase.running
    for stage in [BatchPhase.Stage.finishing, .stopping, .abandoning, .abandoning] {
      phase.interrupt(isUrgent: false)
      #expect(phase == .ending(stage, .interrupted(after: nil)))
    }
  }

  @Test func `an urgent signal stops running requests immediately`() {
    var phase = BatchPhase.running
    phase.interrupt(isUrgent: true)
    #expect(phase.stage == .stopping)
    phase.interrupt(isUrgent: true)
    #expect(phase.stage == .abandoning)
  }

  @Test func `the first signal after a halt or a failure lets running requests finish`() {
    for (reason, expected) in [(StopReason.halted, nil), (.failed(failure), failure)] {
      var phase = BatchPhase.ending(.finishing, reason)
      phase.interrupt(isUrgent: false)
      #expect(phase == .ending(.finishing, .interrupted(after: expected)))
      phase.interrupt(isUrgent: false)
      #expect(phase == .ending(.stopping, .interrupted(after: expected)))
    }
  }

  @Test func `the first failure is reported, whatever follows`() {
    var phase = BatchPhase.running
    phase.fail(failure, .finishing)
    phase.fail(later, .stopping)
    #expect(phase == .ending(.stopping, .failed(failure)))
    phase.interrupt(isUrgent: false)
    phase.fail(later, .finishing)
    #expect(phase == .ending(.abandoning, .interrupted(after: failure)))
    #expect(phase.reason?.failure == failure)
  }

  @Test func `a failure after a halt or a signal is reported, and a stage is never left for an earlier one`() {
    var halted = BatchPhase.ending(.finishing, .halted)
    halted.fail(failure, .stopping)
    #expect(halted == .ending(.stopping, .failed(failure)))
    var interrupted = BatchPhase.ending(.stopping, .interrupted(after: nil))
    interrupted.fail(failure, .finishing)
    #expect(interrupted == .ending(.stopping, .interrupted(after: failure)))
  }
}
