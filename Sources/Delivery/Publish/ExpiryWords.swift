internal import RunModel

/// What is said of payloads whose window ended: the same words whoever delivers, because what was dropped is gone.
extension Connection.OnExpiry {
  /// Goes on from "the payload was not delivered in time".
  var fateOfOne: String {
    switch self {
    case .keep: "is kept for `algo-run outbox retry`"
    case .drop: "was dropped (--on-expiry drop)"
    }
  }

  /// A sentence about those of a deliverer that says it once; `cause` may be empty.
  func sentence(of payloads: String, cause: String) -> String {
    let fate =
      switch self {
      case .keep: "\(payloads) have expired and are kept for `algo-run outbox retry`, as far as --retention allows"
      case .drop: "\(payloads) were dropped at the end of their delivery window (--on-expiry drop)"
      }
    return cause.isEmpty ? fate : "\(fate): \(cause)"
  }
}
