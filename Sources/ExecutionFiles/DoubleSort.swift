// SPDX-License-Identifier: Apache-2.0
/// Doubles in ascending order, by their bits: a million of them several times as fast as by comparisons.
enum DoubleSort {
  private static let digit = 11
  private static let digits = 6
  private static let sign = UInt64(1) << 63

  /// Sorts values without NaN.
  static func sort(_ values: inout [Double]) {
    guard values.count > 1000 else { return values.sort() }
    values.withUnsafeMutableBufferPointer { doubles in
      doubles.withMemoryRebound(to: UInt64.self) { bits in
        // Numbers whose order is that of the doubles.
        for index in bits.indices { bits[index] = bits[index] & sign == 0 ? bits[index] | sign : ~bits[index] }
        sortNumbers(bits)
        for index in bits.indices { bits[index] = bits[index] & sign == 0 ? ~bits[index] : bits[index] & ~sign }
      }
    }
  }

  private static func sortNumbers(_ numbers: UnsafeMutableBufferPointer<UInt64>) {
    let buckets = 1 << digit
    var places = [Int](repeating: 0, count: buckets * digits)
    for number in numbers {
      for place in 0..<digits { places[place * buckets + value(number, place)] += 1 }
    }
    let spare = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: numbers.count)
    defer { spare.deallocate() }
    var (source, target) = (numbers, spare)
    for place in 0..<digits {
      let first = place * buckets
      // All have the same digit.
      if places[first + value(numbers[0], place)] == numbers.count { continue }
      var sum = 0
      for bucket in first..<(first + buckets) { (places[bucket], sum) = (sum, sum + places[bucket]) }
      for number in source {
        let bucket = first + value(number, place)
        target[places[bucket]] = number
        places[bucket] += 1
      }
      swap(&source, &target)
    }
    if source.baseAddress != numbers.baseAddress { _ = numbers.update(from: source) }
  }

  private static func value(_ number: UInt64, _ place: Int) -> Int {
    Int(truncatingIfNeeded: number >> UInt64(place * digit)) & (1 << digit - 1)
  }
}
