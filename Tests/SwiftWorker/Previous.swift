// SPDX-License-Identifier: Apache-2.0
import AlgoMetrics
import Glibc

/// A task, a thread and a child that a request has left running. They report when the next request lets them.
struct Previous {
  private let taskMayReport: AsyncStream<Void>.Continuation
  private let taskReported = Gate()
  private let thread: pthread_t
  private let threadMayReport = Gate()
  private let child: pid_t
  private let childMayReport = Gate()

  init(_ number: Int) {
    // Its context is that of this request, which will be over.
    let (mayReport, continuation) = AsyncStream.makeStream(of: Void.self)
    taskMayReport = continuation
    Task { [taskReported] in
      for await _ in mayReport {}
      try? report("late_task", number)
      taskReported.open()
    }
    let argument = UnsafeMutablePointer<(Gate, Int)>.allocate(capacity: 1)
    argument.initialize(to: (threadMayReport, number))
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { argument in
        guard let (mayReport, number) = argument?.assumingMemoryBound(to: (Gate, Int).self).pointee else { return nil }
        mayReport.wait()
        try? report("late_thread", number)
        return nil
      }, argument)
    self.thread = thread

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, childMayReport.reader, 0)
    var child = pid_t()
    let command = "read line; echo '{\"late_child\":\(number)}' >&3"
    let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sh"), strdup("-c"), strdup(command), nil]
    posix_spawn(&child, "/bin/sh", &actions, nil, arguments, environ)
    posix_spawn_file_actions_destroy(&actions)
    arguments.forEach { free($0) }
    close(childMayReport.reader)
    self.child = child
  }

  func finish() {
    taskMayReport.finish()
    taskReported.wait()
    threadMayReport.open()
    pthread_join(thread, nil)
    childMayReport.open()
    var status: CInt = 0
    waitpid(child, &status, 0)
  }
}
