// SPDX-License-Identifier: Apache-2.0
import RunModel
import Testing

/// Numbers and words as texts.
@Suite struct TextTests {
  @Test func `numbers are formatted for a reader`() {
    #expect(HumanFormat.grouped(1_234_567) == "1,234,567")
    #expect(HumanFormat.grouped(999) == "999")
    #expect(HumanFormat.counted(1, "execution") == "1 execution")
    #expect(HumanFormat.counted(2000, "execution") == "2,000 executions")
    #expect(HumanFormat.short(.microseconds(8412)) == "8.41ms")
    #expect(HumanFormat.short(.milliseconds(1250)) == "1.25s")
    #expect(HumanFormat.span(.seconds(245)) == "4m05s")
    #expect(HumanFormat.span(.seconds(7620)) == "2h07m")
    #expect(HumanFormat.rate(81, .seconds(10)) == "8.1/s")
    #expect(HumanFormat.rate(12, .seconds(60)) == "12/min")
  }

  @Test func `hexadecimal digits keep their leading zeros`() {
    #expect(Hexadecimal.text(UInt64(0xab)) == "00000000000000ab")
    #expect(Hexadecimal.text(UInt32.max) == "ffffffff")
    #expect(Hexadecimal.text([0, 9, 0x1f] as [UInt8]) == "00091f")
    #expect(Hexadecimal.secret().utf8.count == 64 && Hexadecimal.secret() != Hexadecimal.secret())
  }

  @Test(arguments: [
    ("a-b_c.d/e:f=g,h+i@j%k", "a-b_c.d/e:f=g,h+i@j%k"), ("", "''"), ("a b", "'a b'"), ("~", "'~'"),
    ("it's", #"'it'\''s'"#),
    ("a\u{1b}b'", #"$'a\U0000001bb\''"#),
  ])
  func `a word is quoted if a shell would change it`(_ word: String, _ quoted: String) {
    #expect(ShellText.quoted(word) == quoted)
  }
}
