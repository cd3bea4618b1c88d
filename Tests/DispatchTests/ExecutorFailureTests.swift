// SPDX-License-Identifier: Apache-2.0
import Execution
import Platform
import ProcessSupervision
import RequestDispatch
import RunModel
import Testing

@Suite struct ExecutorFailureTests {
  @Test func `when an executor fails for good, waiting jobs fail for its reason and no other starts`() throws {
    let executor = FailingExecutor()
    let dispatcher = Dispatcher(executor: executor, queueLimit: 1)
    let request = ExecutionRequest(
      id: "req-1", target: ExecutionTarget(version: nil, command: []), limits: RunLimits(), trace: nil)
    let job = dispatcher.submit(request, output: nil)
    #expect(dispatcher.takeCompletions().isEmpty)
    executor.failure = .temporaryFile(SystemError(28))
    let completions = dispatcher.takeCompletions()
    guard completions.count == 1, completions[0].id == job, case .ended(let record) = completions[0].result else {
      Issue.record("\(completions)")
      return
    }
    #expect(record.ending == .failedToStart(reason: "\(StartFailure.temporaryFile(SystemError(28)))"))
    #expect(!dispatcher.hasRoom && dispatcher.isIdle)
  }
}

/// An executor that never has a slot, such as workers that do not start.
private final class FailingExecutor: Executor {
  let freeSlots = 0
  var failure: StartFailure?

  func start(_ request: ExecutionRequest, output: (any OutputReceiver)?) -> ExecutionID { ExecutionID(1) }
  func takeStarts() -> [ExecutionID] { [] }
  func signal(_ number: Int32, to id: ExecutionID) {}
  func cancel(_ id: ExecutionID) {}
  func stop(_ id: ExecutionID) {}
  func kill(_ id: ExecutionID) {}
  func takeCompletions() -> [Completion] { [] }
}
