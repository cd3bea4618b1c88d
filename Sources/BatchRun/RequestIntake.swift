// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// The requests of a list that are to be run: without those that succeeded before, and up to the limit.
struct RequestIntake {
  /// The result of one call.
  enum Step {
    /// A request to run, and its place among them.
    case run(Request, ordinal: Int)
    /// A request that succeeded before.
    case skip(Request)
    /// There is more to do: call again, after a turn of the loop.
    case again
    /// Nothing can be read now: wait for the descriptor.
    case wait(Descriptor)
    case end
  }

  private let reader: RequestReader
  private let succeeded: DiskHashTable?
  private let limit: Int?
  /// The place of the next request that is to be run.
  private(set) var nextOrdinal = 0
  /// Requests that succeeded before.
  private(set) var skipped = 0
  /// Whether no request follows.
  private(set) var hasEnded = false

  /// - Parameter succeeded: the requests that are not to run again; nil for none.
  init(_ sources: [RequestSource], _ settings: BatchSettings, succeeded: DiskHashTable?) throws(BatchFailure) {
    reader = try RequestReader(
      sources: sources, takesEnvelopes: settings.takesEnvelopes, spillDirectory: settings.spillDirectory)
    self.succeeded = succeeded
    limit = settings.limit
  }

  /// The next request, or why there is none now.
  mutating func next() throws(BatchFailure) -> Step {
    if let limit, nextOrdinal >= limit { hasEnded = true }
    guard !hasEnded else { return .end }
    switch try reader.next() {
    case .again: return .again
    case .wait(let descriptor): return .wait(descriptor)
    case .end:
      hasEnded = true
      return .end
    case .request(let request):
      if let succeeded, request.problem == nil, try succeeded.count(request.key) > 0 {
        skipped += 1
        return .skip(request)
      }
      defer { nextOrdinal += 1 }
      return .run(request, ordinal: nextOrdinal)
    }
  }
}
