// SPDX-License-Identifier: Apache-2.0
import JSONText
import Testing

/// The form of a result depends on whether it is JSON, so the scanner must neither take too much nor too little.
@Suite struct JSONTests {
  static let valid = [
    "0", "-0", "1.50", "-1.5e+10", "1E5", "10", "\"\"", "\"a\\u00e9\\n\\\"\"", "true", "false", "null", "[]", "{}",
    " [ 1 , [ ] , { } ] ", "{\"a\":{\"b\":[1,2,{\"c\":null}]}}\n", "\"é€😀\"", "{\"a\":1,\"a\":2}", "\"\\ud800\"",
    "[[[[[[[[[[]]]]]]]]]]",
  ]
  static let invalid = [
    "", " ", "01", "-", "1.", ".5", "1e", "+1", "0x1", "NaN", "Infinity", "tru", "truex", "nul", "'a'", "\"a",
    "\"\\x\"",
    "\"\\u12g4\"", "\"\u{01}\"", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":1",
    "[}", "1 2",
    "[1]]", "{]", "\u{feff}1", "// x\n1",
  ]

  private func accepts(_ bytes: [UInt8], piece: Int) -> Bool {
    var scanner = JSONScanner()
    for start in stride(from: 0, to: bytes.count, by: piece) {
      bytes[start..<min(start + piece, bytes.count)].withUnsafeBytes { scanner.consume($0) }
    }
    return scanner.isComplete
  }

  @Test(arguments: valid) func `a JSON text is taken, in one piece or byte by byte`(text: String) {
    #expect(accepts(Array(text.utf8), piece: 1000))
    #expect(accepts(Array(text.utf8), piece: 1))
  }

  @Test(arguments: invalid) func `invalid JSON text is refused, in one piece or byte by byte`(text: String) {
    #expect(!accepts(Array(text.utf8), piece: 1000))
    #expect(!accepts(Array(text.utf8), piece: 1))
  }

  @Test(
    arguments: [
      [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe0, 0x80, 0x80], [0xc3], [0x80],
    ] as [[UInt8]])
  func `bytes that are not UTF-8 are refused inside strings`(bytes: [UInt8]) {
    #expect(!accepts([0x22] + bytes + [0x22], piece: 100))
  }

  @Test func `nesting is taken to its limit and no further`() {
    func nested(_ depth: Int) -> [UInt8] {
      Array(String(repeating: "[", count: depth).utf8) + Array(String(repeating: "]", count: depth).utf8)
    }
    #expect(accepts(nested(JSONScanner.maximumDepth), piece: 100))
    #expect(!accepts(nested(JSONScanner.maximumDepth + 1), piece: 100))
  }

  @Test func `the members of an object keep their order and their values as written`() throws {
    let text = " {\"b\": 1.50, \"a\": [true, null], \"s\" : \"x\\u0041\\ud83d\\ude00\\ud800y\", \"b\": 12} "
    let members = try #require(JSONMembers(Array(text.utf8)))
    #expect(members.all.map(\.name) == ["b", "a", "s", "b"])
    #expect(members.all.map { String(decoding: $0.value, as: UTF8.self) }.first == "1.50")
    #expect(members["b"] == Array("12".utf8))
    #expect(members.integer("b") == 12)
    #expect(members.string("s") == "xA😀\u{fffd}y")
    #expect(members.string("b") == nil && members.integer("a") == nil && members["c"] == nil)
    for other in ["[1]", "{\"a\":x}", "{\"a\":", "", "{} {}"] { #expect(JSONMembers(Array(other.utf8)) == nil) }
  }

  @Test func `members of any shape are found, however the text is cut`() {
    let text = Array(
      " {\"n\" : -1.5e3 ,\"s\":\"a,}\\\"b\",\"o\":{\"n\":[1,{\"x\":2}]}, \"e\\u0061\":[ ],\"l\":true,\"z\":7}".utf8)
    let expected = [
      "n": "-1.5e3", "s": "\"a,}\\\"b\"", "o": "{\"n\":[1,{\"x\":2}]}", "ea": "[ ]", "l": "true", "z": "7",
    ]
    for size in 1...text.count {
      var scanner = JSONMemberScanner()
      var found: [String: [UInt8]] = [:]
      var (begun, ended) = (0, 0)
      for start in stride(from: 0, to: text.count, by: size) {
        text[start..<min(start + size, text.count)].withUnsafeBytes { bytes in
          scanner.consume(bytes) { piece in
            if piece.begins { begun += 1 }
            if piece.ends { ended += 1 }
            found[piece.name, default: []] += Array(piece.bytes)
          }
        }
      }
      #expect(scanner.isComplete)
      #expect(found.mapValues { String(decoding: $0, as: UTF8.self) } == expected, "in pieces of \(size)")
      #expect(begun == 6 && ended == 6, "in pieces of \(size)")
    }
  }

  @Test(arguments: ["[1]", "1", "\"a\"", " null", "{\"a\":1} x", "{\"a\" 1}"])
  func `members are found in nothing but one object`(text: String) {
    var scanner = JSONMemberScanner()
    Array(text.utf8).withUnsafeBytes { scanner.consume($0) { _ in } }
    #expect(!scanner.isComplete)
  }

  /// Two readers of objects: one takes them in pieces, the other whole. Objects are damaged at random, the same ones each
  /// time.
  @Test func `an object in memory is read as one in pieces is`() throws {
    let sound = [
      #" {"n" : -1.5e3 ,"s":"a,}\"b\u00e9é€😀","o":{"n":[1,{"x":2}]}, "e\u0061":[ ],"l":true,"f":false,"z":0,"q":null } "#,
      #"{"request_id":"req-5ca08725","rejected":[[],{}],"at":"2026-11-27T21:23:24.974370Z","m":{"n":1},"E":1E-2}"#,
    ].map { Array($0.utf8) }
    let bytes =
      Array(#"{}[]",:\/ -+.eE0123456789truefalsnubx"#.utf8) + [0, 10, 0x1f, 0x7f, 0x80, 0xc3, 0xa9, 0xe2, 0xed, 0xff]
    var state: UInt64 = 1
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var taken = 0
    for turn in 0..<20_000 {
      var text = sound[turn % 2]
      for _ in 0...random(2) {
        let place = random(text.count)
        switch random(4) {
        case 0: text[place] = bytes[random(bytes.count)]
        case 1: text.insert(bytes[random(bytes.count)], at: place)
        case 2: text.remove(at: place)
        default: text.insert(contentsOf: text[place..<min(text.count, place + random(20))], at: random(text.count))
        }
      }
      var scanner = JSONMemberScanner()
      var (names, values): ([String], [[UInt8]]) = ([], [])
      text.withUnsafeBytes { bytes in
        scanner.consume(bytes) { piece in
          names.append(piece.name)
          values.append(Array(piece.bytes))
        }
      }
      let members = JSONMembers(text)
      let shown = String(decoding: text, as: UTF8.self)
      try #require((members != nil) == scanner.isComplete, "\(shown)")
      guard let members else { continue }
      taken += 1
      try #require(members.all.map(\.name) == names && members.all.map(\.value) == values, "\(shown)")
    }
    #expect(taken > 2000 && taken < 18_000)
  }

  @Test func `an object in memory nests to the same limit`() {
    func nested(_ depth: Int) -> [UInt8] {
      Array((#"{"a":"# + String(repeating: "[", count: depth - 1)).utf8)
        + Array((String(repeating: "]", count: depth - 1) + "}").utf8)
    }
    #expect(JSONMembers(nested(JSONScanner.maximumDepth)) != nil)
    #expect(JSONMembers(nested(JSONScanner.maximumDepth + 1)) == nil)
  }
}
