// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import RequestDispatch

@Suite struct HaltRuleTests {
  @Test func `halting by number and by share`() throws {
    let three = try #require(HaltRule(parsing: "3"))
    #expect(!three.isMet(failed: 2, finished: 2, total: nil))
    #expect(three.isMet(failed: 3, finished: 500, total: nil))
    let share = try #require(HaltRule(parsing: "10%"))
    #expect(!share.isMet(failed: 1, finished: 1, total: 1000), "one job is not a share")
    #expect(share.isMet(failed: 2, finished: 20, total: 1000))
    #expect(!share.isMet(failed: 2, finished: 21, total: 1000))
    #expect(share.isMet(failed: 1, finished: 1, total: 10), "of a short list it is the share of all")
    for text in ["0", "-1", "x", "0%", "101%", "%", ""] { #expect(HaltRule(parsing: text) == nil, "\(text)") }
  }
}
