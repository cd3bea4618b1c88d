// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// Why no worker became ready.
public struct WorkerStartFailure: Error, Equatable, Sendable, CustomStringConvertible {
  /// The event.
  public enum Reason: Equatable, Sendable {
    /// The worker ended before it was ready.
    case ended(Termination)
    /// It was not ready within this time.
    case timedOut(Duration)
    /// It violated the protocol: a sentence.
    case protocolError(String)
    /// It needs more memory than its limit before the first request; both in bytes.
    case memoryLimit(resident: Int64, limit: Int)
  }

  /// The event.
  public let reason: Reason
  /// The worker's program.
  public let program: String
  /// Time from its launch.
  public let elapsed: Duration
  /// The last 4 KiB that it printed.
  public let printed: String

  /// Its cause, as records name it.
  public var cause: Cause {
    switch reason {
    case .ended: .initFailed
    case .timedOut: .initTimeout
    case .protocolError: .protocolError
    case .memoryLimit: .memoryLimit
    }
  }

  /// Whether the next start would end like this one.
  var isFinal: Bool { if case .memoryLimit = reason { true } else { false } }

  /// One sentence.
  public var description: String {
    let program = "the worker \"\(TerminalText.escaped(self.program))\""
    switch reason {
    case .ended(let termination):
      let last = printed.split(separator: "\n").last.map {
        ": \(TerminalText.escaped($0, limit: 200, inQuotes: false))"
      }
      let lacksServe = termination == .exited(code: 0) ? "; its program must call serve(apply)" : ""
      return "\(program) ended with \(termination) after \(elapsed.millisecondsText) ms, before it was ready"
        + (last ?? "") + lacksServe
    case .timedOut(let limit):
      return "\(program) was not ready within \(DurationText.format(limit)): its program must call serve(apply) of an "
        + "algo-run binding that knows workers (protocol version \(AnswerPhase.offeredVersion)), or it needs a longer "
        + "--init-timeout"
    case .protocolError(let sentence): return "\(program) cannot be used: \(sentence)"
    case .memoryLimit(let resident, let limit):
      return "\(program) holds \(resident) bytes of memory before its first request, and --max-rss allows \(limit)"
    }
  }
}
