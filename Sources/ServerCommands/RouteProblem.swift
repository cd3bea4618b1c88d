// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import RunModel
internal import StateStore

/// Why a request about the state of the home was not carried out: a status, and one sentence that ends in what to do.
struct RouteProblem: Error, Equatable {
  let status: Int
  let message: String
  /// The number that clients of the original service know.
  var code: Int?
  /// The member of the body that is wrong, if it is one.
  var field: String?

  init(_ status: Int, _ message: String, code: Int? = nil, field: String? = nil) {
    (self.status, self.message, self.code, self.field) = (status, message, code, field)
  }

  init(_ error: StateError) {
    switch error {
    case .noSuchKey: self.init(404, "\(error); list the keys with GET /v1/admin/keys.")
    case .noSuchVersion: self.init(404, "\(error); list the versions with GET /v1/algorithms.", code: 1000)
    case .keyExists: self.init(409, "\(error); choose another name, or revoke that key.")
    case .alreadyPublished: self.init(409, "\(error); publish again.")
    case .versionsExhausted: self.init(422, "\(error); raise a higher part with version_type minor or major.")
    case .unreadableConnection: self.init(503, "\(error); set it again with POST /v1/admin/insights-connection.")
    default: self.init(503, "\(error); see to it on the server, and try again.")
    }
  }

  /// Does what reads or writes the home; its errors become problems here and nowhere else.
  static func of<Result>(_ body: () throws(StateError) -> Result) throws(RouteProblem) -> Result {
    do throws(StateError) { return try body() } catch { throw RouteProblem(error) }
  }

  func response(_ requestID: String) -> HTTPResponse {
    let headers = status == 503 ? [(name: "Retry-After", value: "1")] : []
    return .error(status, message, code: code, requestID: requestID, headers: headers)
  }
}
