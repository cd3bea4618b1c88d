// SPDX-License-Identifier: Apache-2.0
/// Something given by its name: `--json`, `--timeout 30s`, `-X key=value`.
///
/// A name of one letter is written with one dash, a longer one with two.
public struct Option: Sendable {
  enum Kind: Sendable {
    case flag
    /// `--name` and `--no-name`.
    case invertible
    case value(metavariable: String)
    case repeatable(metavariable: String)
  }

  /// Without dashes; the accessors of `Invocation` take it in this form.
  public let name: String
  /// One letter more for the same thing.
  public let short: Character?
  /// One sentence.
  public let help: String
  /// Values that a shell offers; `choices` are also enforced.
  public let completion: ValueCompletion
  /// The value if it is not given.
  public let defaultValue: String?
  let kind: Kind

  /// Present or not: `--json`.
  public static func flag(_ name: String, short: Character? = nil, help: String) -> Option {
    Option(
      name: name, short: short, help: help, completion: .none, defaultValue: nil, kind: .flag)
  }

  /// A pair, `--insights` and `--no-insights`; the last one given counts.
  public static func invertible(_ name: String, help: String) -> Option {
    Option(
      name: name, short: nil, help: help, completion: .none, defaultValue: nil, kind: .invertible)
  }

  /// One value, `--timeout D` or `--timeout=D`; the last one given counts.
  public static func value(
    _ name: String, short: Character? = nil, _ metavariable: String, default defaultValue: String? = nil,
    completion: ValueCompletion = .none, help: String
  ) -> Option {
    Option(
      name: name, short: short, help: help, completion: completion, defaultValue: defaultValue,
      kind: .value(metavariable: metavariable))
  }

  /// Any number of values, one each time it is given: `-X key=value`.
  public static func repeatable(
    _ name: String, short: Character? = nil, _ metavariable: String, completion: ValueCompletion = .none,
    help: String
  ) -> Option {
    Option(
      name: name, short: short, help: help, completion: completion, defaultValue: nil,
      kind: .repeatable(metavariable: metavariable))
  }

  /// Every way to write it, dashes included, the usual one first.
  var spellings: [String] {
    var all = [Self.dashed(name)]
    if case .invertible = kind { all.append("--no-\(name)") }
    if let short { all.append("-\(short)") }
    return all
  }

  var metavariable: String? {
    switch kind {
    case .flag, .invertible: nil
    case .value(let metavariable), .repeatable(let metavariable): metavariable
    }
  }

  static func dashed(_ name: String) -> String { (name.utf8.count == 1 ? "-" : "--") + name }
}
