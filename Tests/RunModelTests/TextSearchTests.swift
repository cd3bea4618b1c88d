// SPDX-License-Identifier: Apache-2.0
import RunModel
import Testing

@Suite struct TextSearchTests {
  @Test(arguments: [("abc", "abc"), ("xabc", "abc"), ("abcx", "abc"), ("aabaabc", "aabc"), ("é", "é"), ("any", "")])
  func `a text is found wherever its bytes are`(text: String, word: String) { #expect(text.containsBytes(word)) }

  @Test(arguments: [("ab", "abc"), ("", "a"), ("aab", "abb"), ("ABC", "abc")])
  func `a text is not found if only a part of it is there`(text: String, word: String) {
    #expect(!text.containsBytes(word))
  }

  @Test func `every occurrence is replaced, from the front`() {
    #expect("a-b-c".replacingAll("-", with: "+") == "a+b+c")
    #expect("aaa".replacingAll("aa", with: "b") == "ba")
    #expect("--".replacingAll("-", with: "--") == "----")
    #expect("abc".replacingAll("", with: "x") == "abc")
    #expect("abc".replacingAll("abcd", with: "x") == "abc")
  }

  @Test func `a secret that a combining mark follows is replaced all the same`() {
    #expect("pass word\u{301}!".replacingAll("word", with: "***") == "pass ***\u{301}!")
  }
}
