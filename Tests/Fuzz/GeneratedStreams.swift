import Foundation

/// The driver for toolchains without libFuzzer: streams grown from a grammar and from mutated corpus files.
///
///     generated-streams SECONDS CORPUS-DIRECTORY [SEED]
@main
struct GeneratedStreams {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 3, let seconds = Double(arguments[1]) else {
      print("usage: generated-streams SECONDS CORPUS-DIRECTORY [SEED]")
      exit(64)
    }
    let seed = arguments.count > 3 ? UInt64(arguments[3]) ?? 0 : UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var random = SplitMix(state: seed)
    let folder = URL(fileURLWithPath: arguments[2])
    let corpus = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .sorted { $0.path < $1.path }.map { Array(try Data(contentsOf: $0)) }
    for file in corpus { check(file) }

    let end = Date(timeIntervalSinceNow: seconds)
    var count = corpus.count
    while Date() < end {
      var stream = Bool.random(using: &random) ? corpus.randomElement(using: &random) ?? [] : lines(&random)
      for _ in 0..<Int.random(in: 0...6, using: &random) { mutate(&stream, &random) }
      check(stream)
      count += 1
    }
    print("\(count) streams")
  }

  private static func check(_ stream: [UInt8]) {
    // The crash that a broken promise causes leaves this file behind.
    try? Data(stream).write(to: URL(fileURLWithPath: "last-stream"))
    stream.withUnsafeBytes { MetricStreamPromises.check($0) }
  }

  private static func lines(_ random: inout SplitMix) -> [UInt8] {
    var text = ""
    for _ in 0..<Int.random(in: 0...40, using: &random) {
      let members = (0..<Int.random(in: 0...6, using: &random)).map { _ in
        "\(names.randomElement(using: &random) ?? "")\(Int.random(in: 0...9, using: &random))\":"
          + (values.randomElement(using: &random) ?? "")
      }
      text += "{" + members.joined(separator: ",") + "}\n"
    }
    return Array(text.utf8)
  }

  private static func mutate(_ stream: inout [UInt8], _ random: inout SplitMix) {
    let place = Int.random(in: 0...stream.count, using: &random)
    switch Int.random(in: 0...4, using: &random) {
    case 0: stream.insert(UInt8.random(in: 0...255, using: &random), at: place)
    case 1: if place < stream.count { stream.remove(at: place) }
    case 2: if place < stream.count { stream[place] ^= 1 << UInt8.random(in: 0...7, using: &random) }
    case 3: stream.insert(contentsOf: Array((values.randomElement(using: &random) ?? "").utf8), at: place)
    default: if stream.count < 20_000 { stream += stream[place...] }
    }
  }

  private static let names = ["\"a", "\"score ", "\"\\u00e9", "\"\\ud83d\\ude00", "\"", "\"time", "\"é", "\"\\\\\\\""]
  private static let values = [
    "1", "0.10", "-0", "1e308", "1e309", "-1E-400", "12345678901234567890", "NaN", "Infinity", "-Infinity", "null",
    "true", "\"x\"",
    "[1,{}]", "{\"a\":1}", "01", "+1", ".5", "1.", "\"\\ud800\"", "\u{1b}[31m",
  ]
}

/// A small generator that gives the same streams for the same seed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
