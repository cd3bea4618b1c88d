// SPDX-License-Identifier: Apache-2.0
/// Why a worker cannot continue, or a request cannot be answered.
public enum WorkerError: Error, Equatable, CustomStringConvertible {
  /// `ALGO_WORKER` is not an offer of a supervisor.
  case notAnOffer(String)
  /// The supervisor sent something else than a request.
  case malformedFrame
  /// The supervisor's stream ended within a request.
  case truncatedFrame
  /// The supervisor reads no more answers.
  case lostSupervisor
  /// The request is not UTF-8, and the function takes text.
  case notText

  /// One sentence.
  public var description: String {
    switch self {
    case .notAnOffer(let text):
      "ALGO_WORKER is \(JSONString.quoted(text)), which is not an offer of a supervisor; unset it to run without one"
    case .malformedFrame:
      "the supervisor sent bytes that are not a frame of protocol 1; use algo-run and AlgoMetrics of one version"
    case .truncatedFrame: "the supervisor's stream ended within a frame; look for the cause in its messages"
    case .lostSupervisor: "the supervisor reads no more answers; look for the cause in its messages"
    case .notText: "the request is not text in UTF-8; take it as [UInt8]"
    }
  }
}
