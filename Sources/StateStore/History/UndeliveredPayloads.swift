// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// The payloads of a home that are not delivered, by request ID; read once.
final class UndeliveredPayloads {
  private var states: [String: String] = [:]
  /// Whether the outbox could be read, so that an ID that is not in it means a delivered payload.
  private(set) var isKnown = true

  init(home: HomeDirectory) {
    do throws(StateError) {
      // Fallback files first: a payload moves from there into the outbox.
      for path in FallbackFile.paths(in: home) {
        for line in FallbackFile.lines((try? PrivateFile.contents(of: path)) ?? []) {
          if let key = FallbackLine.decode(line, at: Timestamp(microseconds: 0))?.entry.record.key {
            states[key] = "queued"
          }
        }
      }
      try Outbox.existing(home: home, busyTimeout: .seconds(1))?.forEachKey { key, state in
        states[key] =
          switch state {
          case .pending: "queued"
          case .expired: "expired"
          case .rejected, .corrupt: "rejected"
          }
      }
    } catch {
      isKnown = false
    }
  }

  /// The state of a payload that is not delivered; nil for all others.
  func state(of requestID: String) -> String? { states[requestID] }
}
