// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import RunModel

/// A request about the state of the home, as a value that another thread can carry out.
struct StateRequest: Sendable {
  let route: Route
  let target: RequestTarget
  let body: RequestBody
  let id: String
  /// Nil if `serve` needs no key: then every caller is an administrator.
  let key: APIKey?

  init(_ route: Route, _ exchange: HTTPExchange, key: APIKey?) {
    (self.route, self.key) = (route, key)
    (target, body, id) = (exchange.request.target, exchange.body, exchange.id)
  }

  /// Variable segments of the path.
  var values: [String] { route.values }
  var isAdministrator: Bool { key.map { $0.scope == .admin } ?? true }

  /// The members of the body; of none, if there is no body.
  func members() throws(RouteProblem) -> JSONMembers {
    guard body.file == nil else {
      throw RouteProblem(413, "the body is larger than \(RequestBody.memoryLimit) bytes; send less.")
    }
    guard let members = JSONMembers(body.bytes.isEmpty ? Array("{}".utf8) : body.bytes) else {
      throw RouteProblem(400, "the body is not a JSON object; correct it.")
    }
    return members
  }

  /// A parameter that may be given once.
  func parameter(_ name: String) throws(RouteProblem) -> String? {
    let values = target.query.filter { $0.name == name }
    guard values.count < 2 else { throw RouteProblem(400, "the parameter \(name) is given twice; leave one out.") }
    return values.first?.value
  }

  /// Whether a parameter is true.
  func isAsked(_ name: String) throws(RouteProblem) -> Bool {
    switch try parameter(name) {
    case nil, "false": false
    case "true": true
    default: throw RouteProblem(400, "the parameter \(name) is true or false; correct it.")
    }
  }

  /// A parameter that is a whole number in a range; `standard` without it.
  func number(_ name: String, in range: ClosedRange<Int>, or standard: Int) throws(RouteProblem) -> Int {
    guard let text = try parameter(name) else { return standard }
    guard let number = Int(text), range.contains(number) else {
      let expected =
        range.upperBound == .max ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
      throw RouteProblem(400, "the parameter \(name) is a whole number \(expected); correct it.")
    }
    return number
  }
}

extension JSONMembers {
  /// The string of a member; nil without it.
  func text(_ name: String) throws(RouteProblem) -> String? {
    guard has(name) else { return nil }
    guard let text = string(name) else { throw RouteProblem(400, "\(name) is a string; correct it.") }
    return text
  }

  /// True or false; nil without the member.
  func flag(_ name: String) throws(RouteProblem) -> Bool? {
    guard has(name) else { return nil }
    guard let flag = boolean(name) else { throw RouteProblem(400, "\(name) is true or false; correct it.") }
    return flag
  }

  /// The members of an object; nil without it.
  func members(_ name: String) throws(RouteProblem) -> JSONMembers? {
    guard has(name) else { return nil }
    guard let members = object(name) else { throw RouteProblem(400, "\(name) is an object; correct it.") }
    return members
  }
}
