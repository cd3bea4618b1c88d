// SPDX-License-Identifier: Apache-2.0
import JSONText
import Testing

@Suite struct JSONElementsTests {
  @Test(arguments: [
    ("[]", []), (" [ ] ", []), ("[1]", ["1"]), ("[1, 2.0 ,\n3e1]", ["1", "2.0", "3e1"]),
    (#"["a,b", "]\"[", "\\", ""]"#, [#""a,b""#, #""]\"[""#, #""\\""#, #""""#]),
    (#"[[1,2],{"a":[3,4],"b":"}"},null]"#, ["[1,2]", #"{"a":[3,4],"b":"}"}"#, "null"]),
  ])
  func `the elements of an array are found as they are written`(text: String, elements: [String]) {
    #expect(JSONElements.of(Array(text.utf8))?.map { String(decoding: $0, as: UTF8.self) } == elements)
  }

  @Test(arguments: ["", "[", "1", "{}", "[1,]", "[1] 2", #""[1]""#, "[1 2]", "null"])
  func `another value has no elements`(text: String) {
    #expect(JSONElements.of(Array(text.utf8)) == nil)
  }

  @Test func `members are given in the type that is asked for, or not at all`() throws {
    let members = try #require(JSONMembers(#"{"a":true,"b":null,"c":{"d":"x"},"e":[1,2],"f":"true"}"#.utf8))
    #expect(members.boolean("a") == true && members.boolean("f") == nil)
    #expect(members.has("a") && !members.has("b") && !members.has("z"))
    #expect(members.object("c")?.string("d") == "x" && members.object("a") == nil)
    #expect(members.array("e")?.count == 2 && members.array("c") == nil)
  }
}
