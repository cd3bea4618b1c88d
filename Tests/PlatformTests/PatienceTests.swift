// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Platform

/// When a wait looks before it sleeps.
@Suite("Patience of the event loop") struct PatienceTests {
  /// A patience whose last wait was brief: on a busy machine that takes several waits.
  private func afterBriefWait() -> Patience {
    var patience = Patience()
    var hasLooked = false
    while !hasLooked {
      _ = patience.wait(
        look: {
          hasLooked = true
          return 1
        }, sleep: { 1 })
    }
    return patience
  }

  @Test("The first wait sleeps without a look")
  func firstWait() {
    var patience = Patience()
    var looks = 0
    let found = patience.wait(
      look: {
        looks += 1
        return 1
      }, sleep: { 2 })
    #expect(found == 2 && looks == 0)
  }

  @Test("A wait that comes after a brief one looks first, and does not sleep if that finds something")
  func secondWait() {
    var patience = afterBriefWait()
    var sleeps = 0
    let found = patience.wait(
      look: { 1 },
      sleep: {
        sleeps += 1
        return 2
      })
    #expect(found == 1 && sleeps == 0)
  }

  @Test("A wait that looks in vain sleeps in the end")
  func looksInVain() {
    var patience = afterBriefWait()
    #expect(patience.wait(look: { 0 }, sleep: { 3 }) == 3)
  }

  @Test("When another thread keeps the processor, the next waits sleep immediately, brief or not")
  func restraint() {
    // Most of the attempts, since a busy machine may pass over the time of restraint.
    var restrained = 0
    for _ in 0..<20 {
      var patience = afterBriefWait()
      _ = patience.wait(
        look: {
          Thread<Void>.pause(.milliseconds(2))
          return 0
        }, sleep: { 1 })
      var looks = 0
      for _ in 0..<10 {
        _ = patience.wait(
          look: {
            looks += 1
            return 1
          }, sleep: { 1 })
      }
      if looks == 0 { restrained += 1 }
    }
    #expect(restrained > 10)
  }
}
