// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// SplitMix64, as in golden.py.
struct Source: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Nearly normal: the sum of twelve uniform numbers less six.
  mutating func normal() -> Double {
    var total = 0.0
    for _ in 0..<12 { total += uniform() }
    return total - 6
  }

  /// One value of a kind of sample, as in golden.py.
  mutating func value(of kind: String, shift: Double) -> Double {
    switch kind {
    case "normal": return normal() + shift
    case "wide": return normal() * (1 + shift)
    case "ties": return ((normal() + shift) * 8).rounded(.down) / 8
    case "binary": return uniform() < 0.4 + shift / 4 ? 1 : 0
    case "rare": return uniform() < 0.01 + shift / 16 ? 1 : 0
    case "classes":
      let product = uniform() * uniform()
      return (product * (7 + shift)).rounded(.down)
    case "constant": return 2.5 + shift
    case "huge": return uniform() * 1.5e308 + shift * 1e307
    case "tiny": return (uniform() * (4000 + shift * 1000)).rounded(.down) * Double.leastNonzeroMagnitude
    case "zeros": return [-0.0, 0, 1 + shift][Int(next() % 3)]
    case "heavy": return 1 / (uniform() + 1e-6) + shift
    default: return 1e9 + normal() + shift
    }
  }
}

/// A case of comparison-golden.json.
struct GoldenCase: Decodable, Sendable, CustomTestStringConvertible {
  struct Expected: Decodable, Sendable {
    let meanA, meanB, d, pLimit: Double
    let quantilesA: [Double]
    let sdB, pExact, w1, welchP, welchHalf, tv, chi2, fisher, mcnemar, wilcoxon: Double?
  }

  let kind: String
  let seed: UInt64
  let n, m: Int
  let shift: Double
  let expected: Expected

  var testDescription: String { "\(kind), \(n) and \(m), seed \(seed)" }

  /// Both samples in the order they are made.
  var samples: (a: [Double], b: [Double]) {
    var source = Source(seed: seed)
    let a = (0..<n).map { _ in source.value(of: kind, shift: 0) }
    return (a, (0..<m).map { _ in source.value(of: kind, shift: shift) })
  }
}

/// One value of a special function.
struct GoldenTail: Decodable, Sendable {
  let law: String
  let x, df, p: Double
}

/// The results of scipy.
struct GoldenFile: Decodable {
  let cases: [GoldenCase]
  let tails: [GoldenTail]

  static let shared: GoldenFile = {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/comparison-golden.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let data = try? Data(contentsOf: path), let file = try? decoder.decode(GoldenFile.self, from: data)
    else { return GoldenFile(cases: [], tails: []) }
    return file
  }()
}

/// Whether two figures agree to a relative error.
func agree(_ value: Double?, _ expected: Double?, _ limit: Double, floor: Double = 1e-290) -> Bool {
  guard let value, let expected else { return value == nil && expected == nil }
  return abs(value - expected) <= max(limit * max(abs(value), abs(expected)), floor)
}
