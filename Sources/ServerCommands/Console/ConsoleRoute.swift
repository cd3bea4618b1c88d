// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import RunModel

/// The meaning of a path of the console.
enum ConsoleRoute: Sendable, Equatable {
  case home, login, logout, asset, events
  case publishNew
  case versions(AlgorithmName), publish(AlgorithmName), tryIt(AlgorithmName), metrics(AlgorithmName)
  case compare(AlgorithmName)
  case switchInsights(AlgorithmName, VersionNumber)
  case executions, execution(String)
  case insights, connect, saveAnyway, removeConnection, retryOutbox, purgeOutbox
  case keys, revokeKey(String)
  /// Below a path of the console, and nothing.
  case nothing

  /// Nil for paths that are not the console's.
  init?(_ request: HTTPRequest) {
    let segments = request.target.segments
    guard let first = segments.first else {
      self = .home
      return
    }
    // Most requests are calls.
    if first == "v1" { return nil }
    let rest = Array(segments.dropFirst())
    switch (first, rest) {
    case ("login", []): self = .login
    case ("logout", []): self = .logout
    case ("assets", _), ("favicon.ico", []): self = .asset
    case ("events", ["executions"]): self = .events
    case ("publish", []): self = .publishNew
    case ("executions", []): self = .executions
    case ("executions", _) where rest.count == 1: self = .execution(rest[0])
    case ("insights", []): self = .insights
    case ("insights", ["connect"]): self = .connect
    case ("insights", ["save"]): self = .saveAnyway
    case ("insights", ["remove"]): self = .removeConnection
    case ("insights", ["outbox", "retry"]): self = .retryOutbox
    case ("insights", ["outbox", "purge"]): self = .purgeOutbox
    case ("keys", []): self = .keys
    case ("keys", _) where rest.count == 2 && rest[1] == "revoke": self = .revokeKey(rest[0])
    case ("algorithms", _): self = Self.algorithm(rest)
    case ("events", _), ("executions", _), ("insights", _), ("keys", _): self = .nothing
    default: return nil
    }
  }

  private static func algorithm(_ segments: [String]) -> ConsoleRoute {
    guard segments.count >= 2, let algorithm = AlgorithmName(owner: segments[0], name: segments[1]) else {
      return .nothing
    }
    switch Array(segments.dropFirst(2)) {
    case []: return .versions(algorithm)
    case ["publish"]: return .publish(algorithm)
    case ["try"]: return .tryIt(algorithm)
    case ["metrics"]: return .metrics(algorithm)
    case ["compare"]: return .compare(algorithm)
    default:
      guard segments.count == 5, segments[2] == "versions", segments[4] == "insights",
        let version = try? VersionNumber(parsing: segments[3])
      else { return .nothing }
      return .switchInsights(algorithm, version)
    }
  }

  /// The methods that it takes.
  var methods: [String] {
    switch self {
    case .login, .publishNew, .publish, .tryIt, .connect, .keys: ["GET", "POST"]
    case .logout, .switchInsights, .saveAnyway, .removeConnection, .retryOutbox, .purgeOutbox, .revokeKey: ["POST"]
    default: ["GET"]
    }
  }

  /// The scope that it needs; nil for pages before a login.
  var scope: KeyScope? {
    switch self {
    case .login, .logout, .asset, .nothing: nil
    case .home, .events, .versions, .tryIt, .metrics, .compare, .executions, .execution: .call
    case .publish, .switchInsights: .publish
    case .publishNew, .insights, .connect, .saveAnyway, .removeConnection, .retryOutbox, .purgeOutbox, .keys,
      .revokeKey:
      .admin
    }
  }

  /// The page that a form of this path belongs to, for the way back after a login.
  var page: String {
    switch self {
    case .versions(let name), .switchInsights(let name, _): "/algorithms/\(name)"
    case .publish(let name): "/algorithms/\(name)/publish"
    case .tryIt(let name): "/algorithms/\(name)/try"
    case .metrics(let name): "/algorithms/\(name)/metrics"
    case .compare(let name): "/algorithms/\(name)/compare"
    case .publishNew: "/publish"
    case .executions, .execution: "/executions"
    case .connect: "/insights/connect"
    case .insights, .saveAnyway, .removeConnection, .retryOutbox, .purgeOutbox: "/insights"
    case .keys, .revokeKey: "/keys"
    default: "/"
    }
  }
}
