// SPDX-License-Identifier: Apache-2.0
/// The frames that a worker may send now.
enum AnswerPhase {
  /// The version that was offered, the only one so far.
  static let offeredVersion = 1

  case starting
  /// Request `number` was sent and is not answered.
  case running(number: Int)
  /// No request is open.
  case answered

  /// The violation that `frame` is; nil if it is allowed.
  func violation(by frame: Frame) -> String? {
    switch (self, frame.verb) {
    case (.starting, .ready):
      if frame.number == 0 { return "the worker chose protocol version 0" }
      if frame.number > Self.offeredVersion {
        return "the worker speaks protocol version \(frame.number), and this algo-run only \(Self.offeredVersion): "
          + "update algo-run"
      }
      return frame.length == 0 ? nil : "the worker sent \"ready\" with a body"
    case (.starting, _): return "the worker sent \"\(frame.verb.rawValue)\" before \"ready\""
    case (_, .ready): return "the worker sent \"ready\" twice"
    case (.running(let number), .done), (.running(let number), .fail), (.running(let number), .forked):
      if frame.number != number { return "the worker answered request \(frame.number), and request \(number) runs" }
      return frame.verb == .forked && frame.length > 0 ? "the worker sent \"forked\" with a body" : nil
    case (_, _): return "the worker sent \"\(frame.verb.rawValue) \(frame.number)\", and no request runs"
    }
  }
}
