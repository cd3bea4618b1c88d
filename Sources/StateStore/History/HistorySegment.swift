// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import RunModel

/// The files of a journal and the form of their lines.
///
/// A line is `CRC JSON`, CRC being the eight hexadecimal digits of the CRC-32 of the JSON. It is written with a newline
/// before and after it, so that a torn line never touches the next one.
enum HistorySegment {
  /// Bytes after which the next writer begins another segment.
  static let longest = 8 << 20
  /// Segments of a home.
  static let most = 128
  /// Bytes of a line with its newlines.
  static let longestLine = 64 << 10

  /// A name that sorts behind those of earlier segments and is never used again, so that an offset stored for a segment
  /// that is gone means nothing for another one.
  static func newName() -> String {
    let moment = String(WallClock.now().microseconds)
    let random = String(UInt32.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: max(0, 17 - moment.utf8.count)) + moment + "-" + random + suffix
  }

  /// The names of a home's segments, oldest first.
  static func names(in home: HomeDirectory) -> [String] {
    PrivateFile.names(in: home.historyDirectory).filter { $0.hasSuffix(suffix) }.sorted()
  }

  static func path(_ name: String, in home: HomeDirectory) -> String { "\(home.historyDirectory)/\(name)" }

  /// Bytes of the line of a JSON text, with its newlines.
  static func lineLength(_ json: [UInt8]) -> Int { json.count + 11 }

  /// Appends the line of a JSON text, with its newlines.
  static func append(_ json: [UInt8], to line: inout [UInt8]) {
    var sum = CRC32()
    sum.update(json)
    line.append(newline)
    line.append(contentsOf: Hexadecimal.text(sum.value).utf8)
    line.append(UInt8(ascii: " "))
    line.append(contentsOf: json)
    line.append(newline)
  }

  /// The JSON of a line without its newlines; nil if it does not read as it was written.
  static func decode(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    guard line.count > 9, unsafe line[8] == UInt8(ascii: " "),
      let expected = unsafe UInt32(String(decoding: line.prefix(8), as: UTF8.self), radix: 16)
    else { return nil }
    let json = unsafe UnsafeRawBufferPointer(rebasing: line.dropFirst(9))
    var sum = CRC32()
    unsafe sum.update(json)
    return unsafe sum.value == expected ? json : nil
  }

  static let newline = UInt8(ascii: "\n")
  private static let suffix = ".journal"
}
