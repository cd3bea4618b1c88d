// SPDX-License-Identifier: Apache-2.0
internal import Comparison
internal import Platform

/// The values of a column in ascending order: in memory, or as sorted runs of a file that are merged.
struct SortedColumn: SortedSample {
  /// How many there are.
  let count: Int
  private let values: [Double]
  private let runs: [Range<Int>]
  private let file: Descriptor?

  init(_ sorted: [Double]) { (count, values, runs, file) = (sorted.count, sorted, [], nil) }

  /// - Parameter runs: the values' places in the file, in bytes.
  init(runs: [Range<Int>], in file: Descriptor) {
    self.count = runs.reduce(0) { $0 + $1.count / 8 }
    (values, self.runs, self.file) = ([], runs, file)
  }

  /// A cursor before the smallest value.
  func makeCursor() -> Cursor {
    Cursor(values: values, heads: file.map { file in runs.map { RunReader(file: file, rest: $0) } } ?? [])
  }

  /// Reads the values from the smallest on.
  struct Cursor: IteratorProtocol {
    let values: [Double]
    private var place = 0
    private var heads: [RunReader]

    fileprivate init(values: [Double], heads: [RunReader]) { (self.values, self.heads) = (values, heads) }

    /// The next value.
    mutating func next() -> Double? {
      if place < values.count {
        place += 1
        return values[place - 1]
      }
      var smallest: Int?
      for index in heads.indices where heads[index].head < (smallest.map { heads[$0].head } ?? .infinity) {
        smallest = index
      }
      guard let smallest else { return nil }
      let value = heads[smallest].head
      heads[smallest].advance()
      return value
    }
  }
}

/// A sorted run of a file, read in pieces.
private struct RunReader {
  private let file: Descriptor
  private var rest: Range<Int>
  private var piece: [Double] = []
  private var place = 0

  init(file: Descriptor, rest: Range<Int>) {
    (self.file, self.rest) = (file, rest)
    fill()
  }

  /// The smallest value that is left; infinite at the end.
  var head: Double { place < piece.count ? piece[place] : .infinity }

  mutating func advance() {
    place += 1
    if place == piece.count { fill() }
  }

  private mutating func fill() {
    place = 0
    piece = (try? SampleFile.read(file, rest.prefix(32_768))) ?? []
    rest = rest.dropFirst(piece.count * 8)
  }
}
