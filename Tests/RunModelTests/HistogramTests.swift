// SPDX-License-Identifier: Apache-2.0
import RunModel
import Testing

@Suite struct HistogramTests {
  @Test func `a time is counted in the first bucket whose bound it does not exceed`() {
    var histogram = Histogram([0.1, 1])
    for time in [Duration.milliseconds(100), .milliseconds(101), .seconds(1), .seconds(5), .zero] {
      histogram.add(time)
    }
    #expect(histogram.counts == [2, 2, 1])
    #expect((histogram.sum - 6.201).magnitude < 1e-9)
  }

  @Test func `two histograms are added bucket by bucket`() {
    var (one, other) = (Histogram([1]), Histogram([1]))
    one.add(.milliseconds(500))
    other.add(.seconds(2))
    one.add(other)
    #expect(one.counts == [1, 1] && one.sum == 2.5)
  }
}
