// SPDX-License-Identifier: Apache-2.0
/// An error of a call, found before anything of it is sent.
public enum MetricError: Error, Equatable, CustomStringConvertible {
  /// Decimal text that is not a number as JSON writes one.
  case notANumber(name: String, text: String)
  /// A name that is the empty string.
  case emptyName
  /// One of the names that algo-run writes itself.
  case reservedName(String)

  /// One sentence that names the metric, safe to print on a terminal.
  public var description: String {
    switch self {
    case .notANumber(let name, let text):
      "metric \(JSONString.quoted(name)) is not a number but \(JSONString.quoted(text)); write it as JSON does, like 0.10"
    case .emptyName:
      "metric \"\" has an empty name; give each metric a name"
    case .reservedName(let name):
      "metric \(JSONString.quoted(name)) has a reserved name that algo-run writes itself; choose another name"
    }
  }
}
