// SPDX-License-Identifier: Apache-2.0
package import KafkaClient
package import RunModel

/// Takes nothing: records wait in the outbox for a later deliverer.
package final class ClosedDestination: Destination {
  package let problem: DestinationProblem?
  package let capacity = 0
  package let answersAtOnce = false

  package init(because problem: DestinationProblem?) { self.problem = problem }

  package func send(_ id: Int64, _ record: InsightsRecord) -> Handover { .refused(.withoutAnswer) }
  package func poll() -> [ProducerEvent] { [] }
  package func reclaim() -> [ProducerEvent] { [] }
  package func reopen(quarterings: Int) {}
}
