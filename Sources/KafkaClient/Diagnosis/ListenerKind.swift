// SPDX-License-Identifier: Apache-2.0
/// The protocol of a listener, found by asking it as any client would; done only after a failure.
enum ListenerKind: Sendable, Equatable {
  /// Unencrypted Kafka, without a login.
  case open
  /// Unencrypted Kafka with a login, by one of these mechanisms.
  case login([String])
  /// TLS.
  case encrypted
  /// Something that answers, and is not Kafka.
  case foreign
  /// It takes connections and closes them without an answer.
  case closing
  /// It takes connections and answers nothing.
  case silent
  /// It could not be asked.
  case unknown

  /// The most that ``of(_:)`` takes.
  static let longestLook = answerLimit * 3
  private static let answerLimit = Duration.milliseconds(700)

  /// Of the two headers that are sent, the part that comes back.
  private static let correlation: [UInt8] = [0x61, 0x6c, 0x67, 0x6f]
  private static let unsupportedMechanism: UInt8 = 33

  /// Asks without encryption, then by TLS.
  static func of(_ endpoint: NetworkProbe.Endpoint) -> ListenerKind {
    let plain = unencrypted(endpoint)
    switch plain {
    case .open, .login: return plain
    default: break
    }
    guard case .connected(let socket) = NetworkProbe.connect(endpoint, within: answerLimit) else { return plain }
    return socket.answersTLS(within: answerLimit) ? .encrypted : plain
  }

  /// Asks without encryption; what speaks only TLS is foreign, closing or silent then.
  static func unencrypted(_ endpoint: NetworkProbe.Endpoint) -> ListenerKind {
    guard case .connected(let socket) = NetworkProbe.connect(endpoint, within: answerLimit) else { return .unknown }
    // ApiVersions, version 0: answered by every broker, before a login too.
    switch socket.ask(request(18, version: 0), within: answerLimit) {
    case .frame(let answer):
      guard answer.prefix(4).elementsEqual(correlation) else { return .foreign }
    case .foreign: return .foreign
    case .closed: return .closing
    case .silent: return .silent
    }
    // SaslHandshake, version 1, by a mechanism that does not exist: a listener with a login names those that it has,
    // one without refuses in another way.
    let mechanism = Array("NONE".utf8)
    guard
      case .frame(let answer) = socket.ask(
        request(17, version: 1, [0, UInt8(mechanism.count)] + mechanism), within: answerLimit),
      answer.count > 6, answer[4] == 0, answer[5] == unsupportedMechanism
    else { return .open }
    return .login(strings(answer[6...]))
  }

  /// A request with its length in front and no client's name.
  private static func request(_ key: UInt8, version: UInt8, _ body: [UInt8] = []) -> [UInt8] {
    let header = [0, key, 0, version] + correlation + [0xff, 0xff]
    return [0, 0, 0, UInt8(header.count + body.count)] + header + body
  }

  /// Kafka's array of strings, as far as it is whole.
  private static func strings(_ bytes: ArraySlice<UInt8>) -> [String] {
    var rest = bytes.dropFirst(4)
    var found: [String] = []
    while rest.count >= 2 {
      let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
      rest = rest.dropFirst(2)
      guard length <= rest.count else { break }
      found.append(String(decoding: rest.prefix(length), as: UTF8.self))
      rest = rest.dropFirst(length)
    }
    return found
  }
}
