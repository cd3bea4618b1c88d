// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import RunModel

/// The meaning of a path and a method.
enum Endpoint: String, CaseIterable {
  case live, ready, metrics, openAPI
  case call, executions, execution, cancel
  case algorithms, algorithm, versions, publish, publishFormerly, version, patch, compile
  case keys, createKey, revokeKey
  case connection, setConnection, removeConnection, testConnection
  case outbox, retryOutbox, purgeOutbox

  /// Method and path; `{…}` matches one segment, and `[…]` one that may be left out.
  var template: (method: String, path: String) {
    switch self {
    case .live: ("GET", "/livez")
    case .ready: ("GET", "/readyz")
    case .metrics: ("GET", "/metrics")
    case .openAPI: ("GET", "/openapi.json")
    case .call: ("POST", "/v1/algo/{owner}/{name}/[version]")
    case .executions: ("GET", "/v1/executions")
    case .execution: ("GET", "/v1/executions/{id}")
    case .cancel: ("DELETE", "/v1/executions/{id}")
    case .algorithms: ("GET", "/v1/algorithms")
    case .algorithm: ("GET", "/v1/algorithms/{owner}/{name}")
    case .versions: ("GET", "/v1/algorithms/{owner}/{name}/versions")
    case .publish: ("POST", "/v1/algorithms/{owner}/{name}/versions")
    // Where older clients of the original service publish.
    case .publishFormerly: ("POST", "/v1/algorithms/{owner}/{name}/version")
    case .version: ("GET", "/v1/algorithms/{owner}/{name}/versions/{version}")
    case .patch: ("PATCH", "/v1/algorithms/{owner}/{name}/versions/{version}")
    case .compile: ("POST", "/v1/algorithms/{owner}/{name}/compile")
    case .keys: ("GET", "/v1/admin/keys")
    case .createKey: ("POST", "/v1/admin/keys")
    case .revokeKey: ("DELETE", "/v1/admin/keys/{name}")
    case .connection: ("GET", "/v1/admin/insights-connection")
    case .setConnection: ("POST", "/v1/admin/insights-connection")
    case .removeConnection: ("DELETE", "/v1/admin/insights-connection")
    case .testConnection: ("POST", "/v1/admin/insights-connection/test")
    case .outbox: ("GET", "/v1/admin/outbox")
    case .retryOutbox: ("POST", "/v1/admin/outbox/retry")
    case .purgeOutbox: ("POST", "/v1/admin/outbox/purge")
    }
  }

  /// Its path in metrics.
  var label: String { Self.labels[self] ?? template.path }

  private static let labels = [Endpoint: String](
    uniqueKeysWithValues: allCases.map { ($0, $0.template.path.replacingAll("[version]", with: "{version}")) })

  /// The scope that it needs; nil for none.
  var scope: KeyScope? {
    switch self {
    case .live, .ready: nil
    case .metrics, .openAPI, .call, .executions, .execution, .cancel: .call
    case .algorithms, .algorithm, .versions, .version: .call
    case .publish, .publishFormerly, .patch, .compile: .publish
    case .keys, .createKey, .revokeKey, .connection, .setConnection, .removeConnection, .testConnection: .admin
    case .outbox, .retryOutbox, .purgeOutbox: .admin
    }
  }
}

/// An endpoint with the variable segments of its path.
struct Route {
  let endpoint: Endpoint
  let values: [String]

  /// The meaning of a request.
  enum Match {
    case found(Route)
    /// The path exists; these are its methods.
    case otherMethods([String])
    case nothing
  }

  static func match(_ request: HTTPRequest) -> Match {
    let segments = normalized(request)
    var methods: [String] = []
    for (endpoint, template) in templates {
      guard let values = values(segments, template.segments) else { continue }
      if template.method == (request.method == "HEAD" ? "GET" : request.method) {
        return .found(Route(endpoint: endpoint, values: values))
      }
      methods.append(template.method)
    }
    if methods.contains("GET") { methods.append("HEAD") }
    return methods.isEmpty ? .nothing : .otherMethods(methods + ["OPTIONS"])
  }

  private static func normalized(_ request: HTTPRequest) -> [String] {
    let segments = request.target.segments
    return segments.count == 1 && segments[0] == "healthz" ? ["livez"] : segments
  }

  /// The template that a path matches, for metrics; nil for none.
  static func label(_ request: HTTPRequest) -> String? {
    let segments = normalized(request)
    guard let endpoint = templates.first(where: { values(segments, $1.segments) != nil })?.0 else { return nil }
    return endpoint.label
  }

  private static let templates = Endpoint.allCases.map { endpoint in
    let (method, path) = endpoint.template
    return (endpoint, (method: method, segments: path.split(separator: "/").map(String.init)))
  }

  private static func values(_ segments: [String], _ template: [String]) -> [String]? {
    guard
      segments.count == template.count
        || segments.count == template.count - 1 && template[segments.count].hasPrefix("[")
    else { return nil }
    var values: [String] = []
    for (segment, expected) in zip(segments, template) {
      if expected.hasPrefix("{") || expected.hasPrefix("[") {
        values.append(segment)
      } else if segment != expected {
        return nil
      }
    }
    return values
  }
}
