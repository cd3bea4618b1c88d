// SPDX-License-Identifier: Apache-2.0
/// `MAJOR.MINOR.REVISION`, ordered as numbers.
public struct VersionNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Raised when callers must change.
  public let major: Int
  /// Raised when something was added.
  public let minor: Int
  /// Raised by default at each publication.
  public let revision: Int

  /// The version that a first publication gets.
  public static let first = VersionNumber(major: 1, minor: 0, revision: 0)

  /// A version of three given numbers.
  public init(major: Int, minor: Int, revision: Int) {
    self.major = major
    self.minor = minor
    self.revision = revision
  }

  /// Takes `1.2.0`: three decimal numbers below a million without leading zeros.
  ///
  /// - Throws: ``ReferenceError/malformedVersion(_:)`` for anything else.
  public init(parsing text: some StringProtocol) throws(ReferenceError) {
    let numbers = text.split(separator: ".", omittingEmptySubsequences: false).map { Self.component($0) }
    guard numbers.count == 3, let major = numbers[0], let minor = numbers[1], let revision = numbers[2] else {
      throw .malformedVersion(String(text))
    }
    self.init(major: major, minor: minor, revision: revision)
  }

  /// One number of a version, or nil if the text is not one.
  static func component(_ text: some StringProtocol) -> Int? {
    let bytes = text.utf8
    guard (1...6).contains(bytes.count), bytes.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      bytes.count == 1 || bytes.first != UInt8(ascii: "0")
    else { return nil }
    return Int(text)
  }

  /// The part of a version that `publish` raises.
  public enum Part: String, Sendable, CaseIterable { case major, minor, revision }

  /// The version after this one when `part` is raised; the lower parts start again at 0.
  public func raising(_ part: Part) -> VersionNumber {
    switch part {
    case .major: VersionNumber(major: major + 1, minor: 0, revision: 0)
    case .minor: VersionNumber(major: major, minor: minor + 1, revision: 0)
    case .revision: VersionNumber(major: major, minor: minor, revision: revision + 1)
    }
  }

  /// Compares as numbers: 1.10.0 comes after 1.9.0.
  public static func < (left: VersionNumber, right: VersionNumber) -> Bool {
    (left.major, left.minor, left.revision) < (right.major, right.minor, right.revision)
  }

  /// `1.2.0`.
  public var description: String { "\(major).\(minor).\(revision)" }
}
