// SPDX-License-Identifier: Apache-2.0
/// A reference to a version, as a user writes it: `OWNER/NAME`, `…/1`, `…/1.2`, `…/1.2.*` or `…/1.2.0`.
public struct AlgorithmReference: Hashable, Sendable, CustomStringConvertible {
  /// Which of an algorithm's versions are meant; the latest that matches is taken.
  public enum Selector: Hashable, Sendable {
    case latest
    case major(Int)
    case minor(Int, Int)
    case exact(VersionNumber)
  }

  /// The algorithm.
  public let algorithm: AlgorithmName
  /// The versions meant.
  public let selector: Selector

  /// The versions of an algorithm that a selector means.
  public init(algorithm: AlgorithmName, selector: Selector) { (self.algorithm, self.selector) = (algorithm, selector) }

  /// Takes one of the five forms.
  ///
  /// - Throws: ``ReferenceError`` that shows the forms.
  public init(parsing text: String) throws(ReferenceError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3 else { throw .malformedName(text) }
    algorithm = try AlgorithmName(parsing: "\(parts[0])/\(parts[1])")
    guard parts.count == 3 else {
      selector = .latest
      return
    }
    var numbers = parts[2].split(separator: ".", omittingEmptySubsequences: false)
    // `1.2.*` means the same as `1.2`, and `1.*` the same as `1`.
    if numbers.count > 1, numbers.last == "*" { numbers.removeLast() }
    let components = numbers.map { VersionNumber.component($0) }
    switch (components.count, components[0]) {
    case (1, let major?): selector = .major(major)
    case (2, let major?):
      guard let minor = components[1] else { throw .malformedVersion(String(parts[2])) }
      selector = .minor(major, minor)
    case (3, _?): selector = .exact(try VersionNumber(parsing: parts[2]))
    default: throw .malformedVersion(String(parts[2]))
    }
  }

  /// The reference as a user would write it.
  public var description: String {
    switch selector {
    case .latest: "\(algorithm)"
    case .major(let major): "\(algorithm)/\(major)"
    case .minor(let major, let minor): "\(algorithm)/\(major).\(minor)"
    case .exact(let version): "\(algorithm)/\(version)"
    }
  }
}
