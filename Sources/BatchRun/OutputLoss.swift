/// How results that were written are no longer where the user asked for them.
public enum OutputLoss: Sendable {
  /// The file has no name any more.
  case deleted
  /// Its path names another file, or none.
  case replaced
  /// It is shorter than what was written.
  case truncated
}
