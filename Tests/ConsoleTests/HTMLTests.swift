// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Console

@Suite("Texts in pages")
struct HTMLTests {
  @Test(
    "are never markup",
    arguments: [
      "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "&lt;b&gt;",
      "</textarea><script>", "\u{2028}<", "javascript:alert(1)//<",
    ])
  func escaped(_ text: String) {
    let page: HTML = "<p title=\"\(text)\">\(text)</p>"
    let inner = String(decoding: page.bytes, as: UTF8.self).dropFirst("<p title=\"".utf8.count).dropLast(4)
    #expect(!inner.contains("<"))
    #expect(inner.filter { $0 == "\"" }.count == 1)
    #expect(!inner.contains("'"))
  }

  @Test("show control characters as pictures")
  func controls() {
    let page: HTML = "\("a\u{0}b\u{1b}c\u{7f}")"
    #expect(String(decoding: page.bytes, as: UTF8.self) == "a␀b␛c␡")
  }
}
