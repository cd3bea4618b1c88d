internal import KafkaClient
internal import RunModel

/// Takes nothing: records wait in the outbox for a later deliverer.
final class ClosedDestination: Destination {
  let problem: DestinationProblem?
  let capacity = 0
  let answersAtOnce = false

  init(because problem: DestinationProblem?) { self.problem = problem }

  func send(_ id: Int64, _ record: InsightsRecord) -> Handover { .refused(.withoutAnswer) }
  func poll() -> [ProducerEvent] { [] }
  func reclaim() -> [ProducerEvent] { [] }
  func reopen(quarterings: Int) {}
}
