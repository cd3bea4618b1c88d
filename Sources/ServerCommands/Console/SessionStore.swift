// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import HTTPService
internal import Platform
internal import RunModel
internal import StateStore

/// The sessions of the console, its token, and the limit on failed logins.
final class SessionStore {
  private static let idleTime = Duration.seconds(12 * 3600)
  private static let mostSessions = 1000
  private static let failuresPerSecond = 5

  /// Logs in as admin; nil without login. New at each start.
  let token: Secret?
  private let keys: KeyStore
  /// Without login all users share one.
  private let shared: Session?
  private var sessions: [String: Session] = [:]
  private var failures: [MonotonicInstant] = []

  init(keys: KeyStore, hasLogin: Bool) {
    self.keys = keys
    token = hasLogin ? Secret(Hexadecimal.secret()) : nil
    shared = hasLogin ? nil : Session(key: nil)
  }

  /// The session of a request; nil if it has none, or one that has ended.
  func session(_ request: HTTPRequest) throws(StateError) -> Session? {
    if let shared { return shared }
    guard let id = cookie(request), let session = sessions[id] else { return nil }
    let now = MonotonicInstant.now()
    guard session.lastUsed + Self.idleTime > now, try isValid(session) else {
      sessions[id] = nil
      return nil
    }
    session.lastUsed = now
    return session
  }

  private func isValid(_ session: Session) throws(StateError) -> Bool {
    guard let key = session.key else { return true }
    return try keys.isCurrent(key)
  }

  /// The outcome of a login.
  enum Login {
    /// The header that sets the cookie.
    case done((name: String, value: String))
    case wrong
    case tooMany
  }

  /// Logs in with the token or a key.
  func logIn(_ text: String, _ request: HTTPRequest) throws(StateError) -> Login {
    let now = MonotonicInstant.now()
    failures.removeAll { $0 + .seconds(1) < now }
    guard failures.count < Self.failuresPerSecond else { return .tooMany }
    let session: Session
    if let token, Self.areEqual(token.revealed, text) {
      session = Session(key: nil)
    } else if let key = try keys.key(text) {
      session = Session(key: key)
    } else {
      failures.append(now)
      return .wrong
    }
    if sessions.count >= Self.mostSessions, let oldest = sessions.min(by: { $0.value.lastUsed < $1.value.lastUsed }) {
      sessions[oldest.key] = nil
    }
    let id = Hexadecimal.secret()
    sessions[id] = session
    return .done(("Set-Cookie", "\(Self.cookieName(request))=\(id); HttpOnly; SameSite=Strict; Path=/"))
  }

  /// Ends the session of a request. Returns the header that removes the cookie.
  func logOut(_ request: HTTPRequest) -> (name: String, value: String) {
    if let id = cookie(request) { sessions[id] = nil }
    return ("Set-Cookie", "\(Self.cookieName(request))=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0")
  }

  /// The port as the browser sees it is part of the name: browsers send the cookies of a host to all its ports.
  private static func cookieName(_ request: HTTPRequest) -> String {
    let port = request["host"].flatMap { host in host.lastIndex(of: ":").map { host[host.index(after: $0)...] } } ?? ""
    return port.isEmpty || !port.utf8.allSatisfy { (0x30...0x39).contains($0) } ? "algo_run" : "algo_run_\(port)"
  }

  private func cookie(_ request: HTTPRequest) -> String? {
    let name = Self.cookieName(request) + "="
    for header in request.all("cookie") {
      for pair in header.split(separator: ";") {
        let pair = pair.drop { $0 == " " }
        if pair.hasPrefix(name) { return String(pair.dropFirst(name.utf8.count)) }
      }
    }
    return nil
  }

  /// In a time that does not depend on where they differ.
  private static func areEqual(_ one: String, _ other: String) -> Bool {
    guard one.utf8.count == other.utf8.count else { return false }
    return zip(one.utf8, other.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
