// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// Worker settings as one text of the database: words `name=number`. Defaults other than "off" are stored as well, so that
/// a later program with other defaults does not change a published version.
extension WorkerSettings {
  /// The text.
  var stored: String {
    var words = ["init_timeout=\(initTimeout.wholeMicroseconds)", "drain=\(drain.wholeMicroseconds)"]
    if isolates { words.append("isolate=1") }
    if maxRequests > 0 { words.append("max_requests=\(maxRequests)") }
    if let maxResidentBytes { words.append("max_rss=\(maxResidentBytes)") }
    if let idle { words.append("idle=\(idle.wholeMicroseconds)") }
    return words.joined(separator: " ")
  }

  /// The settings in a text; nil if it is none. Unknown words are ignored.
  init?(stored: String) {
    self.init()
    for word in stored.split(separator: " ") {
      let parts = word.split(separator: "=")
      guard parts.count == 2, let number = Int64(parts[1]) else { return nil }
      switch parts[0] {
      case "init_timeout": initTimeout = .microseconds(number)
      case "drain": drain = .microseconds(number)
      case "isolate": isolates = number != 0
      case "max_requests": maxRequests = Int(number)
      case "max_rss": maxResidentBytes = Int(number)
      case "idle": idle = .microseconds(number)
      default: break
      }
    }
  }
}
