// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import ExecutionFiles
internal import Platform
internal import RunModel

/// The sides that a command line names.
extension CompareSide {
  /// A whole file.
  convenience init(file: String, needsKeys: Bool) {
    self.init(file, directory: ScratchFolder.path, needsKeys: needsKeys)
  }

  /// A version or a period of it: `OWNER/NAME/1.2`, `OWNER/NAME@-14d..-7d`.
  convenience init(_ invocation: Invocation, _ name: String, _ text: String, now: Timestamp, needsKeys: Bool) throws {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    let reference = try SharedOptions.reference(String(parts[0]))
    var bounds: (Timestamp?, Timestamp?) = (nil, nil)
    if parts.count == 2 {
      guard let parsed = Self.period(String(parts[1]), now) else {
        throw invocation.invalid(
          name, value: text,
          expected: "a period FROM..TO behind the @, each a duration ago such as -7d, a time, or left out")
      }
      bounds = parsed
    }
    self.init(
      text, reference, since: bounds.0, until: bounds.1, directory: ScratchFolder.path, needsKeys: needsKeys)
  }

  private static func period(_ text: String, _ now: Timestamp) -> (Timestamp?, Timestamp?)? {
    var rest = Substring(text)
    var place = rest.startIndex
    while place != rest.endIndex, !rest[place...].hasPrefix("..") { place = rest.index(after: place) }
    guard place != rest.endIndex else { return nil }
    let first = rest[..<place]
    rest = rest[place...].dropFirst(2)
    var bounds: [Timestamp?] = []
    for bound in [first, rest] {
      if bound.isEmpty {
        bounds.append(nil)
      } else if bound.first == "-", let ago = DurationText.parse(String(bound.dropFirst())) {
        bounds.append(now + .microseconds(-ago.wholeMicroseconds))
      } else if let moment = Timestamp(parsing: String(bound)) {
        bounds.append(moment)
      } else {
        return nil
      }
    }
    return (bounds[0], bounds[1])
  }
}
