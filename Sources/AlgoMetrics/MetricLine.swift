// SPDX-License-Identifier: Apache-2.0
/// One call's metrics as one line of JSON, newline included. Touches no descriptor.
struct MetricLine {
  /// The supervisor's own members of a payload.
  static let reservedNames: Set<String> = [
    "request_id", "timestamp", "duration_milliseconds", "algorithm_owner", "algorithm_name", "algorithm_version",
  ]

  let bytes: [UInt8]

  /// Nil when there is nothing to send.
  init?(_ metrics: some Sequence<(key: String, value: any MetricNumber)>) throws(MetricError) {
    // All of it is checked before a byte is sent: a call is sent whole or not at all.
    var members: [(name: String, text: String)] = []
    // By bytes, because a String's own equality would take the two spellings of é for one name.
    var places: [[UInt8]: Int] = [:]
    for (name, value) in metrics {
      guard !name.isEmpty else { throw .emptyName }
      guard !Self.reservedNames.contains(name) else { throw .reservedName(name) }
      let number = value.metricValue
      guard number.isNumber else { throw .notANumber(name: name, text: number.text) }
      if let place = places.updateValue(members.count, forKey: Array(name.utf8)) {
        places[Array(name.utf8)] = place
        members[place].text = number.text
      } else {
        members.append((JSONString.quoted(name), number.text))
      }
    }
    guard !members.isEmpty else { return nil }
    var line = "{"
    for (index, member) in members.enumerated() {
      if index > 0 { line += "," }
      line += member.name + ":" + member.text
    }
    bytes = Array((line + "}\n").utf8)
  }
}
