// SPDX-License-Identifier: Apache-2.0
import AlgoMetrics
import Glibc
import WineModel

/// Names the cultivar of one wine: a request on stdin, a result on stdout, metrics to algo-run.
@main
enum WineCultivar {
  static let model = CultivarModel.trained

  static func main() throws {
    if CommandLine.arguments.dropFirst() == ["--accuracy"] { return measureAccuracy() }
    do {
      let wine = try Wine(request: standardInput())
      let probabilities = model.probabilities(of: wine)
      try report(metrics(wine, probabilities))
      let cultivar = probabilities.indexOfGreatest
      print("{\"cultivar\": \(cultivar + 1), \"probability\": \(rounded(probabilities[cultivar]))}")
    } catch let problem as BadRequest {
      let sentence = "wine-cultivar: \(problem)\n"
      write(STDERR_FILENO, sentence, sentence.utf8.count)
      exit(1)
    }
  }

  /// How sure the answer is, and how far this wine is from those the model was fitted on.
  static func metrics(_ wine: Wine, _ probabilities: [Double]) -> KeyValuePairs<String, any MetricNumber> {
    let ranked = probabilities.sorted(by: >)
    let drift = model.standardised(wine).map(abs)
    return [
      "confidence": rounded(ranked[0]),
      "confidence_margin": rounded(ranked[0] - ranked[1]),
      "class_count": ranked.count,
      "predicted_class": probabilities.indexOfGreatest,
      "drift_mean_sd": rounded(drift.reduce(0, +) / Double(drift.count)),
      "drift_max_sd": rounded(drift.max() ?? 0),
      "features_out_of_range": model.featuresOutOfRange(wine),
    ]
  }

  /// Asks for every wine on stdin, rows of data/held-out.csv, and counts the right answers.
  static func measureAccuracy() {
    var right = 0
    var count = 0
    while let line = readLine() {
      guard let row = Wine.labelled(row: line) else { continue }
      count += 1
      right += model.probabilities(of: row.wine).indexOfGreatest == row.cultivar ? 1 : 0
    }
    let permille = count == 0 ? 0 : (Double(right) / Double(count) * 1_000).rounded()
    print("held-out accuracy: \(right) of \(count) (\(permille / 10) %)")
  }

  static func standardInput() -> [UInt8] {
    var bytes: [UInt8] = []
    while let line = readLine(strippingNewline: false) { bytes.append(contentsOf: line.utf8) }
    return bytes
  }

  static func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}
