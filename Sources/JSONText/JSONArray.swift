// SPDX-License-Identifier: Apache-2.0
/// Arrays of objects that are small enough for memory.
public enum JSONArray {
  /// The objects of an array; what else it holds is left out.
  public static func objects(_ array: [UInt8]) -> [JSONMembers] {
    var (objects, depth, start): ([JSONMembers], Int, Int?) = ([], 0, nil)
    var (inString, isEscaped) = (false, false)
    for (index, byte) in array.enumerated() {
      if inString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          inString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): inString = true
      case UInt8(ascii: "{"):
        if depth == 0 { start = index }
        depth += 1
      case UInt8(ascii: "}"):
        depth -= 1
        if depth == 0, let begin = start { JSONMembers(array[begin...index]).map { objects.append($0) } }
      default: break
      }
    }
    return objects
  }
}
