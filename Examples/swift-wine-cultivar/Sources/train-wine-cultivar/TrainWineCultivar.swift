// SPDX-License-Identifier: Apache-2.0
import WineModel

/// Fits the model to data/train.csv on stdin and writes Sources/WineModel/TrainedModel.swift to stdout.
///
/// Plain gradient descent from zero, so the same rows give the same model: the committed file can be checked.
@main
enum TrainWineCultivar {
  static let steps = 2_000
  static let stepSize = 0.5
  /// Keeps the weights small: the training cultivars can be distinguished perfectly, and would drive them to infinity.
  static let penalty = 0.01

  static func main() {
    var rows: [(wine: Wine, cultivar: Int)] = []
    while let line = readLine() {
      if let row = Wine.labelled(row: line) { rows.append(row) }
    }
    print(source(of: fit(rows), rowCount: rows.count))
  }

  static func fit(_ rows: [(wine: Wine, cultivar: Int)]) -> CultivarModel {
    let featureCount = Wine.features.count
    let ranges = (0..<featureCount).map { range(of: rows.map(\.wine.measurements), column: $0) }
    let zeros = Array(repeating: Array(repeating: 0.0, count: featureCount + 1), count: Wine.cultivarCount)
    var model = CultivarModel(ranges: ranges, weights: zeros)
    let share = stepSize / Double(rows.count)
    for _ in 0..<steps {
      var change = zeros
      for row in rows {
        let features = model.standardised(row.wine) + [1]
        for (cultivar, probability) in model.probabilities(of: row.wine).enumerated() {
          let error = (cultivar == row.cultivar ? 1 : 0) - probability
          for (index, feature) in features.enumerated() { change[cultivar][index] += share * error * feature }
        }
      }
      for cultivar in model.weights.indices {
        for index in model.weights[cultivar].indices {
          let shrink = index == featureCount ? 0 : stepSize * penalty * model.weights[cultivar][index]
          model.weights[cultivar][index] += change[cultivar][index] - shrink
        }
      }
    }
    return model
  }

  static func range(of rows: [[Double]], column: Int) -> CultivarModel.Range {
    let values = rows.map { $0[column] }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
    return .init(
      mean: rounded(mean), deviation: rounded(variance.squareRoot()), low: values.min() ?? 0, high: values.max() ?? 0)
  }

  static func source(of model: CultivarModel, rowCount: Int) -> String {
    let ranges = zip(Wine.features, model.ranges).map { name, range in
      "      .init(mean: \(range.mean), deviation: \(range.deviation), low: \(range.low), high: \(range.high)),  // \(name)"
    }
    let weights = model.weights.map { row in
      let lines = stride(from: 0, to: row.count, by: 7).map { start in
        "        " + row[start..<min(start + 7, row.count)].map { "\(rounded($0))," }.joined(separator: " ")
      }
      return (["      ["] + lines + ["      ],"]).joined(separator: "\n")
    }
    return """
      // SPDX-License-Identifier: Apache-2.0
      extension CultivarModel {
        /// Written by `train-wine-cultivar` from the \(rowCount) wines of data/train.csv; do not edit.
        package static let trained = CultivarModel(
          ranges: [
      \(ranges.joined(separator: "\n"))
          ],
          weights: [
      \(weights.joined(separator: "\n"))
          ])
      }
      """
  }

  /// Six decimals: more would differ between processors and change no answer.
  static func rounded(_ value: Double) -> Double { (value * 1_000_000).rounded() / 1_000_000 }
}
