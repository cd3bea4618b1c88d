// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Doubles in a file without a name, which ends with the process.
struct SampleFile {
  let descriptor: Descriptor
  private(set) var size = 0

  /// - Throws: the errno of open(2).
  init(in directory: String) throws(SystemError) { descriptor = try Descriptor.anonymousFile(in: directory) }

  /// Appends `values`; returns their place in bytes.
  mutating func append(_ values: [Double]) throws(SystemError) -> Range<Int> {
    let start = size
    try values.span.bytes.withUnsafeBytes { bytes throws(SystemError) in try descriptor.writeAll(bytes, at: start) }
    size += values.count * 8
    return start..<size
  }

  /// The values at a place in bytes.
  static func read(_ file: Descriptor, _ range: some RandomAccessCollection<Int>) throws(SystemError) -> [Double] {
    guard let start = range.first else { return [] }
    var values = [Double](repeating: 0, count: range.count / 8)
    try values.withUnsafeMutableBufferPointer { doubles throws(SystemError) in
      let buffer = UnsafeMutableRawBufferPointer(doubles)
      var done = 0
      while done < buffer.count {
        let count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]), at: start + done)
        guard count > 0 else { throw SystemError(5) }
        done += count
      }
    }
    return values
  }
}
