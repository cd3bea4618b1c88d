// SPDX-License-Identifier: Apache-2.0
import CRDKafka
import KafkaClient
import RunModel
import Testing

@testable import Delivery

/// The state machine alone: no broker, no database, no clock.
@Suite struct DeliveryPolicyTests {
  private static func moment(_ seconds: Double) -> Timestamp { Timestamp(microseconds: Int64(seconds * 1_000_000)) }
  private func cause(_ error: rd_kafka_resp_err_t, _ text: String = "words") -> KafkaCause {
    KafkaCause(code: error.rawValue, text: text)
  }

  private func policy(_ records: Int64..., windowEnd: Double = 240, attempts: Int = 0) -> DeliveryPolicy {
    var policy = DeliveryPolicy()
    for id in records {
      policy.take(id, windowEnd: Self.moment(windowEnd), attempts: attempts, mayBePersisted: false, now: Self.moment(0))
    }
    return policy
  }

  @Test func `an acknowledged record is removed, once`() {
    var policy = policy(1)
    #expect(policy.handle(.acknowledged(1), now: Self.moment(1)) == [.remove(1)])
    #expect(policy.handle(.acknowledged(1), now: Self.moment(1)) == [])
    #expect(policy.count == 0)
  }

  @Test(arguments: [
    RD_KAFKA_RESP_ERR_POLICY_VIOLATION, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
    RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR_UNKNOWN,
    RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR__QUEUE_FULL, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
  ])
  func `within the window every cause is tried again`(_ error: rd_kafka_resp_err_t) {
    var policy = policy(1)
    let actions = policy.handle(.failed(1, cause(error), mayBePersisted: false), now: Self.moment(10))
    #expect(actions == [.tryAgain(1, at: Self.moment(10.25), cause: "words", mayBePersisted: false)])
  }

  @Test func `pauses double up to ten seconds and never reach beyond the window's end`() {
    #expect(DeliveryPolicy.pause(afterAttempts: 0) == .milliseconds(250))
    #expect(DeliveryPolicy.pause(afterAttempts: 3) == .seconds(2))
    #expect(DeliveryPolicy.pause(afterAttempts: 60) == .seconds(10))
    var late = policy(1, attempts: 9)
    let actions = late.handle(
      .failed(1, cause(RD_KAFKA_RESP_ERR_POLICY_VIOLATION), mayBePersisted: false), now: Self.moment(239))
    #expect(actions == [.tryAgain(1, at: Self.moment(240), cause: "words", mayBePersisted: false)])
  }

  @Test func `after the window a failure expires the record and notes whether it may have been persisted`() {
    for mayBePersisted in [false, true] {
      var policy = policy(1)
      let actions = policy.handle(
        .failed(1, cause(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC), mayBePersisted: mayBePersisted), now: Self.moment(240))
      #expect(actions == [.expire(1, cause: "words", mayBePersisted: mayBePersisted)])
    }
  }

  @Test func `that an earlier attempt may have been persisted is not forgotten`() {
    var policy = DeliveryPolicy()
    policy.take(1, windowEnd: Self.moment(240), attempts: 1, mayBePersisted: true, now: Self.moment(0))
    let actions = policy.handle(
      .failed(1, cause(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), mayBePersisted: false), now: Self.moment(241))
    #expect(actions == [.expire(1, cause: "not authorised: words", mayBePersisted: true)])
  }

  @Test func `a record that is too large alone is rejected immediately`() {
    var sent = policy(1)
    let tooLarge = cause(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
    let answer = sent.handle(.failed(1, tooLarge, mayBePersisted: false), now: Self.moment(1))
    #expect(answer == [.reject(1, reason: "words")])
    // A record that the library itself refuses was in no batch.
    var beside = policy(1, 2)
    #expect(beside.refuse(2, tooLarge, now: Self.moment(1)) == [.reject(2, reason: "words")])
  }

  @Test func `what is denied is rejected only when it still is at the window's end`() {
    var policy = policy(1, 2)
    let denied = policy.handle(
      .failed(2, cause(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), mayBePersisted: false), now: Self.moment(240))
    #expect(denied == [.reject(2, reason: "not authorised: words")])
  }

  @Test func `a record that was given up without a reason takes the last trouble for one`() {
    var policy = policy(1, windowEnd: 5)
    _ = policy.handle(.trouble(cause(RD_KAFKA_RESP_ERR__TRANSPORT, "refused")), now: Self.moment(1))
    _ = policy.handle(.trouble(cause(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down")), now: Self.moment(1))
    let actions = policy.handle(
      .failed(1, cause(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT), mayBePersisted: false), now: Self.moment(5))
    #expect(actions == [.expire(1, cause: "refused", mayBePersisted: false)])
  }

  @Test func `a fatal error replaces the producer once, and its records follow immediately to the next`() {
    var policy = policy(1, 2, 3)
    // It worked until then: what ends a producer before its first acknowledgement may end the next one, too.
    _ = policy.handle(.acknowledged(3), now: Self.moment(1))
    #expect(policy.handle(.fatal(cause(RD_KAFKA_RESP_ERR__FATAL, "gap")), now: Self.moment(1)) == [.replaceProducer])
    #expect(policy.handle(.fatal(cause(RD_KAFKA_RESP_ERR__FATAL, "gap")), now: Self.moment(1)) == [])
    #expect(policy.capacity == 0)
    let purged = policy.handle(
      .failed(1, cause(RD_KAFKA_RESP_ERR__PURGE_QUEUE), mayBePersisted: false), now: Self.moment(1))
    #expect(purged == [.tryAgain(1, at: Self.moment(1), cause: "gap", mayBePersisted: false)])
    let rest = policy.reclaimRest(now: Self.moment(1))
    #expect(rest == [.tryAgain(2, at: Self.moment(1), cause: "gap", mayBePersisted: true)])
    policy.producerWasReplaced()
    #expect(policy.capacity == DeliveryPolicy.mostInFlight && policy.count == 0)
  }

  @Test func `records that an ending deliverer reclaims may follow immediately by the next`() {
    var policy = policy(1, attempts: 5)
    let actions = policy.handle(
      .failed(1, cause(RD_KAFKA_RESP_ERR__PURGE_QUEUE), mayBePersisted: false), now: Self.moment(1))
    let cause = "the broker did not answer in time"
    #expect(actions == [.tryAgain(1, at: Self.moment(1), cause: cause, mayBePersisted: false)])
  }

  @Test func `a record failed by a dead producer replaces it too`() {
    var policy = policy(1, 2)
    _ = policy.handle(.acknowledged(2), now: Self.moment(1))
    let actions = policy.handle(.failed(1, cause(RD_KAFKA_RESP_ERR__FATAL), mayBePersisted: true), now: Self.moment(1))
    #expect(actions == [.replaceProducer, .tryAgain(1, at: Self.moment(1), cause: "words", mayBePersisted: true)])
  }

  @Test func `a broker that ends one producer after the other is asked less and less often`() {
    for (attempts, pause) in [(0, 0.25), (1, 0.5), (4, 4.0)] {
      var policy = policy(1, attempts: attempts)
      _ = policy.handle(.fatal(cause(RD_KAFKA_RESP_ERR__FATAL, "denied")), now: Self.moment(1))
      let purged = policy.handle(
        .failed(1, cause(RD_KAFKA_RESP_ERR__PURGE_QUEUE), mayBePersisted: false), now: Self.moment(1))
      #expect(purged == [.tryAgain(1, at: Self.moment(1 + pause), cause: "denied", mayBePersisted: false)])
    }
  }

  @Test func `a window that ends inside the producer takes all back, looked for once a second`() {
    var policy = policy(1, windowEnd: 10)
    #expect(policy.tick(now: Self.moment(9.5)) == [])
    #expect(policy.tick(now: Self.moment(10.2)) == [])
    #expect(policy.tick(now: Self.moment(10.6)) == [.replaceProducer])
    #expect(policy.tick(now: Self.moment(20)) == [])
  }

  @Test func `trouble under which a record waits two seconds is an outage, announced once until it lapses`() {
    var policy = policy(1)
    _ = policy.handle(.trouble(cause(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "down")), now: Self.moment(1))
    #expect(policy.tick(now: Self.moment(2.9)) == [])
    #expect(
      policy.tick(now: Self.moment(3)) == [
        .announceOutage(since: Self.moment(3), until: Self.moment(8), cause: "down")
      ])
    #expect(policy.capacity == DeliveryPolicy.mostInOutage - 1)
    #expect(policy.tick(now: Self.moment(7)) == [])
    #expect(
      policy.tick(now: Self.moment(33)) == [
        .announceOutage(since: Self.moment(3), until: Self.moment(63), cause: "down")
      ])
    #expect(policy.handle(.acknowledged(1), now: Self.moment(40)) == [.announceRecovery, .remove(1)])
    #expect(!policy.isInOutage)
  }

  @Test func `one broker of several that fails is not an outage`() {
    var policy = policy(1)
    _ = policy.handle(.trouble(cause(RD_KAFKA_RESP_ERR__TRANSPORT)), now: Self.moment(1))
    #expect(policy.tick(now: Self.moment(100)) == [])
  }

  @Test func `trouble without a waiting record is not an outage`() {
    var policy = DeliveryPolicy()
    _ = policy.handle(.trouble(cause(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)), now: Self.moment(1))
    #expect(policy.tick(now: Self.moment(100)) == [])
  }

  @Test func `a login that fails for so long makes a new producer, which reads the password again`() {
    var policy = policy(1)
    _ = policy.handle(.trouble(cause(RD_KAFKA_RESP_ERR__AUTHENTICATION, "wrong")), now: Self.moment(1))
    #expect(policy.tick(now: Self.moment(4)).last == .replaceProducer)
  }

  @Test func `every record leaves by exactly one action, whatever happens in whatever order`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      var policy = DeliveryPolicy()
      var inside: Set<Int64> = []
      var taken: Int64 = 0
      func leave(_ actions: [DeliveryPolicy.Action]) {
        for action in actions {
          switch action {
          case .remove(let id), .tryAgain(let id, _, _, _), .expire(let id, _, _), .reject(let id, _):
            #expect(inside.remove(id) != nil, "record \(id) left twice")
          case .replaceProducer:
            for id in inside.shuffled(using: &generator).prefix(inside.count / 2) {
              leave(policy.handle(.failed(id, cause(RD_KAFKA_RESP_ERR__PURGE_QUEUE), mayBePersisted: false), now: now))
            }
            leave(policy.reclaimRest(now: now))
            policy.producerWasReplaced()
          case .announceOutage, .announceRecovery: break
          }
        }
      }
      var now = Self.moment(0)
      for _ in 0..<60 {
        now = now + .milliseconds(Int64.random(in: 0...3000, using: &generator))
        switch Int.random(in: 0...6, using: &generator) {
        case 0, 1:
          guard policy.capacity > 0 else { break }
          taken += 1
          policy.take(
            taken, windowEnd: now + .seconds(Int64.random(in: 0...20, using: &generator)), attempts: 0,
            mayBePersisted: false, now: now)
          inside.insert(taken)
        case 2:
          guard let id = inside.randomElement(using: &generator) else { break }
          leave(policy.handle(.acknowledged(id), now: now))
        case 3:
          let errors = [
            RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
          ]
          if let id = inside.randomElement(using: &generator), let error = errors.randomElement(using: &generator) {
            leave(policy.handle(.failed(id, cause(error), mayBePersisted: .random(using: &generator)), now: now))
          }
        case 4: leave(policy.handle(.trouble(cause(RD_KAFKA_RESP_ERR__AUTHENTICATION)), now: now))
        case 5: leave(policy.handle(.fatal(cause(RD_KAFKA_RESP_ERR__FATAL)), now: now))
        default: leave(policy.tick(now: now))
        }
        #expect(policy.count == inside.count)
      }
    }
  }
}
