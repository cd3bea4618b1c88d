// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import RunModel
internal import StateStore

/// Lists, shows and publishes versions, and switches Insights.
struct VersionRoutes {
  let lookup: VersionLookup
  let allowsPublish: Bool

  /// Publishes a version.
  ///
  /// - Parameter isAdministrator: whether the key has the scope `admin`.
  func publish(
    _ form: PublicationForm, as algorithm: AlgorithmName, isAdministrator: Bool
  ) throws(RouteProblem) -> PublishedVersion {
    let previous = try RouteProblem.of { () throws(StateError) in
      try lookup.version(algorithm.owner, algorithm.name, "latest")
    }
    let publication = try form.publication(
      of: algorithm, after: previous, mayChangeExecution: allowsPublish && isAdministrator)
    return try RouteProblem.of { () throws(StateError) in try lookup.store.publish(publication) }
  }

  func publish(_ request: StateRequest) throws(RouteProblem) -> HTTPResponse {
    guard let algorithm = AlgorithmName(owner: request.values[0], name: request.values[1]) else {
      throw RouteProblem(
        400, "the path names no algorithm: each part has letters, digits, _ . and -, at most 64; correct it.")
    }
    let form = try PublicationForm(request.members())
    return .json(VersionJSON.document(try publish(form, as: algorithm, isAdministrator: request.isAdministrator)))
  }

  func setInsights(_ request: StateRequest) throws(RouteProblem) -> HTTPResponse {
    guard let insights = try request.members().members("settings")?.flag("insights_enabled") else {
      throw RouteProblem(400, #"the body is {"settings":{"insights_enabled":true}}, or false; correct it."#)
    }
    let version = try version(request)
    let reference = AlgorithmReference(algorithm: version.algorithm, selector: .exact(version.version))
    let changed = try RouteProblem.of { () throws(StateError) in
      try lookup.store.setInsights(insights, matching: reference)
    }
    return .json(VersionJSON.document(changed))
  }

  func show(_ request: StateRequest) throws(RouteProblem) -> HTTPResponse {
    .json(VersionJSON.document(try version(request)))
  }

  /// The newest version of each algorithm, or with an algorithm in the path all of it, newest first.
  func list(_ request: StateRequest) throws(RouteProblem) -> HTTPResponse {
    let limit = try request.number("limit", in: 1...1000, or: 100)
    var all = try RouteProblem.of { () throws(StateError) in
      try request.values.isEmpty ? newest() : versions(of: request.values)
    }
    if all.isEmpty, !request.values.isEmpty { throw Self.unknown(request.values) }
    func mark(_ version: PublishedVersion) -> String {
      request.values.isEmpty ? version.algorithm.description : version.version.description
    }
    if let marker = try request.parameter("marker"), !marker.isEmpty {
      all = Array(all.drop { mark($0) != marker }.dropFirst())
    }
    let page = all.prefix(limit)
    return .json(VersionJSON.list(page, marker: page.count < all.count ? page.last.map(mark) : nil))
  }

  private func newest() throws(StateError) -> [PublishedVersion] {
    var newest: [PublishedVersion] = []
    for version in try lookup.store.versions() {
      if newest.last?.algorithm == version.algorithm { newest.removeLast() }
      newest.append(version)
    }
    return newest
  }

  private func versions(of values: [String]) throws(StateError) -> [PublishedVersion] {
    guard let algorithm = AlgorithmName(owner: values[0], name: values[1]) else { return [] }
    return try lookup.store.versions(matching: AlgorithmReference(algorithm: algorithm, selector: .latest)).reversed()
  }

  private func version(_ request: StateRequest) throws(RouteProblem) -> PublishedVersion {
    let values = request.values
    let found = try RouteProblem.of { () throws(StateError) in
      try lookup.version(values[0], values[1], values.count > 2 ? values[2] : "latest")
    }
    guard let found else { throw Self.unknown(values) }
    return found
  }

  /// Clients of the original service look for these words.
  private static func unknown(_ values: [String]) -> RouteProblem {
    RouteProblem(
      404,
      "No such algorithm: \(TerminalText.escaped(values.joined(separator: "/"))); list them with GET /v1/algorithms.",
      code: 1000)
  }
}
