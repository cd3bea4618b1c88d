// SPDX-License-Identifier: Apache-2.0
/// Searching by bytes. The standard library's search by characters would not find a text that a combining mark follows,
/// which would overlook a secret; and it brings a regular expression engine that every start would pay for.
extension String {
  /// Whether these bytes occur.
  public func containsBytes(_ text: String) -> Bool {
    utf8.firstRange(ofBytes: text.utf8, from: utf8.startIndex) != nil
  }

  /// The text with every occurrence replaced, from the front; an empty `text` occurs nowhere.
  public func replacingAll(_ text: String, with replacement: String) -> String {
    guard !text.isEmpty else { return self }
    var replaced: [UInt8] = []
    var rest = utf8.startIndex
    while let found = utf8.firstRange(ofBytes: text.utf8, from: rest) {
      replaced += utf8[rest..<found.lowerBound]
      replaced += replacement.utf8
      rest = found.upperBound
    }
    replaced += utf8[rest...]
    return String(decoding: replaced, as: UTF8.self)
  }
}

extension String.UTF8View {
  fileprivate func firstRange(ofBytes bytes: Self, from start: Index) -> Range<Index>? {
    guard let first = bytes.first else { return start..<start }
    var rest = self[start...]
    while let candidate = rest.firstIndex(of: first) {
      let tail = self[candidate...]
      if tail.starts(with: bytes) { return candidate..<index(candidate, offsetBy: bytes.count) }
      rest = self[index(after: candidate)...]
    }
    return nil
  }
}
