// SPDX-License-Identifier: Apache-2.0
internal import Platform
public import RunModel

/// `connection test` of a connection to Kafka: walks from the broker's name to an acknowledged record, and ends at the
/// first step that fails with its exact cause and what to do about it.
public struct ConnectionTest {
  /// The walk ends within this time, whatever the other end does.
  public static let limit = Duration.seconds(10)
  /// Reserve beyond the walk's own time on a busy machine: for starting, and for printing the verdict.
  private static let reserve = Duration.milliseconds(1500)
  /// The most that one step of the network may take, so that the others have time left.
  static let stepLimit = Duration.seconds(3)

  private let connection: Connection

  /// A test of a connection.
  public init(_ connection: Connection) { self.connection = connection }

  /// Walks and reports each step as it ends.
  ///
  /// - Parameter last: where the walk ends.
  /// - Returns: whether all of them passed.
  public func run(through last: StageResult.Stage = .produce, _ report: (StageResult) -> Void) -> Bool {
    let walk = Walk(connection, until: MonotonicInstant.now() + Self.limit - Self.reserve)
    for stage in StageResult.Stage.allCases where stage != .file {
      let start = MonotonicInstant.now()
      let verdict = walk.verdict(of: stage)
      let result = StageResult(stage: stage, verdict: verdict, time: MonotonicInstant.now() - start)
      report(result)
      if result.hasFailed { return false }
      if stage == last { break }
    }
    return true
  }
}

/// Results of one step for the next.
private final class Walk {
  private let connection: Connection
  private let deadline: MonotonicInstant
  private var resolved: [(BrokerAddress, [NetworkProbe.Endpoint])] = []
  private var reachable: (address: BrokerAddress, endpoint: NetworkProbe.Endpoint)?
  private var dialogue: BrokerDialogue?

  init(_ connection: Connection, until deadline: MonotonicInstant) {
    self.connection = connection
    self.deadline = deadline
  }

  private var step: Duration { max(.zero, min(ConnectionTest.stepLimit, deadline - MonotonicInstant.now())) }
  private var usesTLS: Bool {
    connection.kind == .saslSSL || property("security.protocol")?.lowercased().hasSuffix("ssl") == true
  }

  private func property(_ name: String) -> String? {
    connection.properties.last { $0.name == name }?.value.revealed
  }

  func verdict(of stage: StageResult.Stage) -> StageResult.Verdict {
    switch stage {
    case .file: .skipped("the connection is one to Kafka")
    case .settings: settings()
    case .resolve: resolve()
    case .tcp: connect()
    case .tls: usesTLS ? handshake() : .skipped("the connection is not encrypted")
    case .authentication: authenticate()
    case .metadata: dialogue?.metadata(until: deadline) { listener } ?? .skipped("no producer")
    case .topic: dialogue?.topicVerdict(until: deadline, user: user) ?? .skipped("no producer")
    case .produce: dialogue?.produce(until: deadline, user: user) ?? .skipped("no producer")
    }
  }

  private var user: String? { connection.authentication?.username }

  private func settings() -> StageResult.Verdict {
    do throws(KafkaError) {
      dialogue = try BrokerDialogue(connection)
      let usesSCRAM = connection.authentication.map { $0.mechanism != .plain } ?? false
      let limit = usesSCRAM ? KafkaLibrary.limitOfSCRAM.map { "; \($0)" } : nil
      return .passed("\(KafkaLibrary.description) takes them\(limit ?? "")")
    } catch {
      return .refused(error)
    }
  }

  private func resolve() -> StageResult.Verdict {
    var problems: [String] = []
    let addresses = connection.brokers.compactMap { BrokerAddress(parsing: $0) }
    for (address, resolution) in zip(addresses, NetworkProbe.resolve(addresses, within: step)) {
      switch resolution {
      case .found(let endpoints): resolved.append((address, endpoints))
      case .failed(let reason): problems.append("\(address.host): \(reason)")
      case .timedOut: problems.append("\(address.host): no answer from the name server")
      }
    }
    guard !resolved.isEmpty else {
      return .failed(
        cause: problems.joined(separator: "; "),
        hint: "Check the names given by --brokers and this machine's DNS (getent hosts NAME).")
    }
    let found = resolved.map { "\($0.0.host) is \($0.1.map(\.text).joined(separator: ", "))" }
    return .passed((found + problems).joined(separator: "; "))
  }

  private func connect() -> StageResult.Verdict {
    let targets = resolved.flatMap { address, endpoints in endpoints.map { (address: address, endpoint: $0) } }
    var problems: [String] = []
    for (target, contact) in zip(targets, NetworkProbe.connect(targets.map(\.endpoint), within: step)) {
      let name = "\(target.address) (\(target.endpoint.text))"
      switch contact {
      case .connected: reachable = reachable ?? target
      case .failed(let code): problems.append("\(name): \(SystemWords.of(code))")
      case .timedOut: problems.append("\(name): no answer")
      }
    }
    guard let reachable else {
      return .failed(
        cause: problems.joined(separator: "; "),
        hint: "Is the broker running and is that its port? \"No answer\" is usually a firewall.")
    }
    return .passed((["\(reachable.address) accepts connections"] + problems).joined(separator: "; "))
  }

  private func handshake() -> StageResult.Verdict {
    guard let reachable, let dialogue else { return .skipped("no producer") }
    let authority = property("ssl.ca.location") ?? connection.certificateAuthority
    return CertificateVerdict.of(
      dialogue.handshake(with: reachable.address, until: MonotonicInstant.now() + step), host: reachable.address.host,
      hasOwnAuthority: authority != nil,
      verifies: property("enable.ssl.certificate.verification")?.lowercased() != "false",
      unencrypted: ListenerKind.unencrypted(reachable.endpoint))
  }

  private func authenticate() -> StageResult.Verdict {
    guard let authentication = connection.authentication else { return .skipped("the connection has none") }
    return dialogue?.authenticate(authentication, until: deadline, isEventHubs: connection.isEventHubs)
      ?? .skipped("no producer")
  }

  /// The protocol of the listener, if the connection has neither encryption nor a login.
  private var listener: ListenerKind? {
    guard connection.kind == .plaintext, let reachable,
      (property("security.protocol") ?? "plaintext").lowercased() == "plaintext"
    else { return nil }
    return ListenerKind.of(reachable.endpoint)
  }
}
