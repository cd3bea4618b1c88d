// SPDX-License-Identifier: Apache-2.0
/// The members of one line, used again from line to line: plain memory with one owner, because an array would check
/// each append of this inner loop for other owners.
struct MemberList: ~Copyable {
  private var elements = UnsafeMutablePointer<MetricLineParser.Member>.allocate(capacity: 32)
  private var capacity = 32
  private(set) var count = 0

  deinit { elements.deallocate() }

  subscript(index: Int) -> MetricLineParser.Member {
    get { elements[index] }
    nonmutating set { elements[index] = newValue }
  }

  mutating func removeAll() { count = 0 }

  @inline(__always)
  mutating func append(_ member: MetricLineParser.Member) {
    if count == capacity {
      let grown = UnsafeMutablePointer<MetricLineParser.Member>.allocate(capacity: capacity * 2)
      grown.initialize(from: elements, count: count)
      elements.deallocate()
      elements = grown
      capacity *= 2
    }
    (elements + count).initialize(to: member)
    count += 1
  }
}
