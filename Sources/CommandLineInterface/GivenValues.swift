// SPDX-License-Identifier: Apache-2.0
/// Values by the name of their option or argument. A list: there are a few, and a dictionary costs each start a search
/// for the conformances of its keys.
struct GivenValues: Sendable {
  private struct Entry {
    let name: String
    var values: [String]
  }

  private var entries: [Entry] = []

  /// The values of a name; nil if it was not given.
  subscript(name: String) -> [String]? {
    get { entries.first { $0.name == name }?.values }
    set {
      entries.removeAll { $0.name == name }
      if let newValue { entries.append(Entry(name: name, values: newValue)) }
    }
  }
}
