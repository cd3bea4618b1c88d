// SPDX-License-Identifier: Apache-2.0
/// One wine: its 13 measured properties, in the order of the data files.
package struct Wine: Sendable {
  /// The properties' names as they stand in a request and in the header of the data files.
  package static let features = [
    "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
    "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280_od315_of_diluted_wines", "proline",
  ]
  /// The growers' three cultivars are 1, 2 and 3 in the data and 0, 1 and 2 as an index.
  package static let cultivarCount = 3

  package let measurements: [Double]

  /// Reads a request, a JSON object with a number for each feature; members with other names are ignored.
  package init(request: [UInt8]) throws(BadRequest) {
    let members = try FlatObject.read(request)
    var measurements: [Double] = []
    for feature in Self.features {
      guard let value = members[feature] else { throw .missing(feature) }
      guard value >= 0, value < 1_000_000 else { throw .outOfBounds(feature) }
      measurements.append(value)
    }
    self.measurements = measurements
  }

  /// Reads a row of a data file and the cultivar in its last column; `nil` for a header or a torn line.
  package static func labelled(row: String) -> (wine: Wine, cultivar: Int)? {
    let cells = row.split(separator: ",").compactMap { Double($0) }
    guard cells.count == features.count + 1, let label = cells.last, (1...3).contains(label) else { return nil }
    return (Wine(measurements: Array(cells.dropLast())), Int(label) - 1)
  }

  private init(measurements: [Double]) { self.measurements = measurements }
}

/// A request that cannot be answered; the description says what to change in it.
package enum BadRequest: Error, CustomStringConvertible {
  case notAnObjectOfNumbers
  case missing(String)
  case outOfBounds(String)

  package var description: String {
    switch self {
    case .notAnObjectOfNumbers:
      "the request is not a JSON object of numbers; send one with \(Wine.features.joined(separator: ", "))"
    case .missing(let feature): "\(feature) is missing; add it as a number"
    case .outOfBounds(let feature): "\(feature) must be a number from 0 to 1000000"
    }
  }
}
