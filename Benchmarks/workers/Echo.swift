// SPDX-License-Identifier: Apache-2.0
import AlgoMetrics

/// One metric, and the request as the result.
@main
enum Echo {
  static func main() throws {
    try serve { (input: String) throws -> String in
      try report("n", 1)
      return input
    }
  }
}
