// SPDX-License-Identifier: Apache-2.0
public import ProcessSupervision

/// Takes the output of a job's attempts.
public protocol JobOutput: OutputReceiver {
  /// Whether output could not be kept. The job then gets no further attempt.
  var isLost: Bool { get }
  /// Forgets the output of an earlier attempt. Called before each attempt.
  func reset()
  /// An attempt began: its child runs, or a worker has the request.
  func began()
}

extension JobOutput {
  /// Does not matter.
  public func began() {}
}
