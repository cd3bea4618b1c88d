// SPDX-License-Identifier: Apache-2.0
/// `NAME=VALUE`.
public struct EnvironmentVariable: Sendable, Equatable {
  /// Before the first `=`.
  public let name: String
  /// After it.
  public let value: String

  /// The names that algo-run itself sets, for every child or for workers. None is inherited: a program that found the
  /// variables of a worker would look for requests on descriptors that it does not have.
  public static let supervisorNames: [String] = [
    "ALGO_METRICS_FD", "ALGO_REQUEST_ID", "ALGO_OWNER", "ALGO_NAME", "ALGO_VERSION", "ALGO_WORKER",
    "ALGO_WORKER_ISOLATION",
  ]

  /// A variable of a given name and value.
  public init(name: String, value: String) {
    self.name = name
    self.value = value
  }

  /// Takes `NAME=VALUE`; nil without a name or without `=`.
  public init?(parsing text: String) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
    self.init(name: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
  }
}
