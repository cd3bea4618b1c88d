// SPDX-License-Identifier: Apache-2.0
public import KafkaClient
public import StateStore

/// Why nothing can be delivered for now.
public enum DestinationProblem: Error, Equatable, CustomStringConvertible {
  /// There is no producer.
  case kafka(KafkaError)
  /// The file takes nothing.
  case file(FileSinkError)
  /// The broker does not answer, or refuses; the words of the library or the broker.
  case outage(String)
  /// Another process found the broker down, so that this one does not try it.
  case known(BrokerOutage)

  /// The fact, as a clause. The remedy is the caller's to add.
  public var description: String {
    switch self {
    case .kafka(let error): "\(error)"
    case .file(let error): "\(error)"
    case .outage(let cause): cause
    case .known(let outage): "the broker has been down since \(outage.since): \(outage.lastError)"
    }
  }
}
