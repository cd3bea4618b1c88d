// SPDX-License-Identifier: Apache-2.0
import Foundation
import JSONText
import MetricsIntake
import RunModel

/// Promises for every metric stream, however broken; a stream that breaks one ends the process with a message.
enum MetricStreamPromises {
  static func check(_ input: UnsafeRawBufferPointer) {
    let stream = Array(input)
    for format in PayloadFormat.allCases {
      let rules = MetricRules(format: format)
      let whole = collect(stream, rules, pieces: { _ in Int.max })
      checkLimits(whole, rules)
      checkPayload(whole, format)
      checkRejections(whole)
      checkAcceptedAgain(whole, rules)

      // The kernel cuts a stream where it likes.
      var random = stream.reduce(UInt64(stream.count)) { $0 &* 31 &+ UInt64($1) }
      let cut = collect(stream, rules) { position in
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(random >> 33) % 97 + 1
      }
      promise(cut == whole, "cutting a stream into pieces changed what was collected")
      guard stream.count <= 70_000 else { continue }
      promise(
        collect(stream, rules, pieces: { _ in 1 }) == whole, "byte by byte, something else was collected than at once")
      promise(
        collect(stream + [0x0a], rules, pieces: { _ in Int.max }) == whole,
        "the newline of the last line changed what was collected")
    }
  }

  private static func collect(_ stream: [UInt8], _ rules: MetricRules, pieces: (Int) -> Int) -> CollectedMetrics {
    var intake = MetricsIntake(rules: rules)
    var position = 0
    while position < stream.count {
      let count = min(pieces(position), stream.count - position)
      GuardedMemory.shared.lend(stream[position..<position + count]) { intake.consume($0) }
      position += count
    }
    return intake.finish()
  }

  private static func checkLimits(_ metrics: CollectedMetrics, _ rules: MetricRules) {
    let bytes = metrics.accepted.reduce(0) { $0 + $1.name.utf8.count + $1.number.utf8.count }
    promise(metrics.accepted.count <= 25, "\(metrics.accepted.count) metrics were accepted")
    promise(bytes <= 25_600, "\(bytes) bytes were accepted")
    // By bytes: to Swift, names that Unicode calls equivalent are equal, in JSON they are different names.
    promise(
      Set(metrics.accepted.map { Array($0.name.utf8) }).count == metrics.accepted.count, "a name was accepted twice")
    for metric in metrics.accepted {
      promise(!metric.name.isEmpty, "an empty name was accepted")
      promise(!rules.reservedNames.contains(metric.name), "the reserved name \(metric.name) was accepted")
      promise(Double(metric.number)?.isFinite == true, "the number \(metric.number) was accepted")
    }
  }

  private static func checkPayload(_ metrics: CollectedMetrics, _ format: PayloadFormat) {
    guard let algorithm = try? AlgorithmName(parsing: "asli/approval") else {
      return promise(false, "the version for the payload could not be made")
    }
    let version = PublishedVersion(
      algorithm: algorithm, version: VersionNumber(major: 1, minor: 0, revision: 0), command: ["true"],
      directory: nil, timeLimit: nil, environment: [], notes: "", publishedAt: Timestamp(microseconds: 0),
      insights: true)
    let record = ExecutionRecord(
      requestID: "req-0", version: version, ending: .ended(.exited(code: 0)), attempts: 1,
      startedAt: Timestamp(microseconds: 0), duration: .zero, usage: nil, metrics: metrics)
    let payload = PayloadBuilder(format: format, sessionID: "rses-0").payload(of: record) ?? []
    promise(payload.allSatisfy { (0x20...0x7e).contains($0) }, "a payload holds more than printable ASCII")
    promise(
      (try? JSONSerialization.jsonObject(with: Data(payload))) is [String: Any],
      "a payload is not a JSON object: \(String(decoding: payload, as: UTF8.self))")
    let members = FlatObject.members(of: payload)
    promise(members != nil, "a payload is not flat: \(String(decoding: payload, as: UTF8.self))")
    let reported = members?.suffix(metrics.accepted.count).map { [Array($0.name), Array($0.value.utf16)] }
    promise(
      reported == metrics.accepted.map { [Array($0.name.utf16), Array($0.number.utf16)] },
      "the payload does not end in the accepted metrics, as written and in order")
    promise(
      Set((members ?? []).map(\.name)).count == members?.count, "a name occurs twice in the payload")
  }

  private static func checkRejections(_ metrics: CollectedMetrics) {
    for rejection in metrics.rejected {
      for scalar in rejection.description.unicodeScalars {
        let isSafe = scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value)
        promise(isSafe, "a rejection would write U+\(String(scalar.value, radix: 16)) to a terminal")
      }
      promise(rejection.description.utf8.count < 1000, "a rejection fills more than a few lines")
    }
  }

  /// Accepted metrics are accepted again, unchanged, and nothing else is.
  private static func checkAcceptedAgain(_ metrics: CollectedMetrics, _ rules: MetricRules) {
    var json = JSONWriter()
    json.beginObject()
    for metric in metrics.accepted { json.member(metric.name, number: metric.number) }
    json.endObject()
    // Escapes can make a name longer than the line it came from; then one line cannot report it again.
    guard json.bytes.count <= MetricRules.maximumLineBytes else { return }
    let again = collect(json.bytes, rules, pieces: { _ in Int.max })
    promise(
      again == CollectedMetrics(accepted: metrics.accepted, rejected: []), "what was accepted is not accepted again")
  }

  private static func promise(_ holds: Bool, _ message: @autoclosure () -> String) {
    guard !holds else { return }
    FileHandle.standardError.write(Data("BROKEN PROMISE: \(message())\n".utf8))
    abort()
  }
}
