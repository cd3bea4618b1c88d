// SPDX-License-Identifier: Apache-2.0
/// Why an execution did not succeed. The raw values are stable.
public enum Cause: String, Sendable, CaseIterable {
  /// Its process returned another exit code than 0.
  case exitCode = "exit_code"
  /// A signal ended its process.
  case signal
  /// It exceeded its time limit.
  case timeLimit = "time_limit"
  /// It was canceled.
  case canceled
  /// `apply` raised an error.
  case exception
  /// Its worker ended before it gave an answer.
  case workerExited = "worker_exited"
  /// Its worker violated the protocol.
  case protocolError = "protocol_error"
  /// It could not be started.
  case initFailed = "init_failed"
  /// Its worker was not ready in time.
  case initTimeout = "init_timeout"
  /// Its worker needs more memory than it may have before the first request.
  case memoryLimit = "memory_limit"
  /// There is no such program.
  case notFound = "not_found"
  /// The program cannot be executed.
  case notExecutable = "not_executable"
}
