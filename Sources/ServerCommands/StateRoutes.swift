// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import RunModel
internal import StateStore

/// Versions, keys, the connection and the outbox: all that is read from the home or written to it. Belongs to the
/// ``StateThread``.
final class StateRoutes {
  let versions: VersionRoutes
  let keys: KeyRoutes
  let connection: ConnectionRoutes
  let outbox: OutboxRoutes
  /// The calls with an Idempotency-Key: use the thread of ``KeyedCalls``.
  private(set) lazy var idempotency = IdempotencyStore(home: home)
  private let home: HomeDirectory

  init(_ state: StateDatabase, home: HomeDirectory, allowsPublish: Bool) {
    let connections = ConnectionStore(state)
    versions = VersionRoutes(lookup: VersionLookup(state), allowsPublish: allowsPublish)
    keys = KeyRoutes(store: KeyStore(state))
    connection = ConnectionRoutes(store: connections, home: home)
    outbox = OutboxRoutes(home: home, connections: connections)
    self.home = home
  }

  /// The executions, with all that ended before now. Importing and reading take a while: use the thread of the pages.
  func history() throws(StateError) -> History { try History.open(home: home) }

  /// Carries a request out.
  func response(to request: StateRequest) -> HTTPResponse {
    do throws(RouteProblem) { return try respond(request) } catch { return error.response(request.id) }
  }

  /// The test that a request asks for, and whether the connection is saved if it passes; or why there is none.
  func trial(_ request: StateRequest) -> Result<(trial: ConnectionTrial, form: ConnectionForm?), RouteProblem> {
    do throws(RouteProblem) {
      let members = try request.members()
      let form = members.all.isEmpty ? nil : try ConnectionForm(members)
      let saves = try request.isAsked("save")
      if saves, form == nil {
        throw RouteProblem(400, "there is nothing to save; send the connection as the body, or leave save out.")
      }
      return .success((try connection.trial(form), saves ? form : nil))
    } catch {
      return .failure(error)
    }
  }

  private func respond(_ request: StateRequest) throws(RouteProblem) -> HTTPResponse {
    switch request.route.endpoint {
    case .algorithms, .versions: try versions.list(request)
    case .algorithm, .version, .compile: try versions.show(request)
    case .patch: try versions.setInsights(request)
    case .publish, .publishFormerly: try versions.publish(request)
    case .keys: try keys.list()
    case .createKey: try keys.create(request)
    case .revokeKey: try keys.revoke(request)
    case .connection: try connection.show()
    case .setConnection: try connection.set(request)
    case .removeConnection: try connection.remove()
    case .outbox: try outbox.show(request)
    case .retryOutbox: try outbox.retry(request)
    case .purgeOutbox: try outbox.purge(request)
    default: throw RouteProblem(404, "this is not part of algo-run; see /openapi.json.")
    }
  }
}
