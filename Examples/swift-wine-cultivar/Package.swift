// swift-tools-version: 6.3
// SPDX-License-Identifier: Apache-2.0
// A package of its own, as an algorithm's would be; it takes only the product AlgoMetrics from the repository around it.
import PackageDescription

let package = Package(
  name: "swift-wine-cultivar",
  dependencies: [.package(name: "algo-run", path: "../..")],
  targets: [
    .executableTarget(
      name: "wine-cultivar", dependencies: ["WineModel", .product(name: "AlgoMetrics", package: "algo-run")]),
    .executableTarget(name: "train-wine-cultivar", dependencies: ["WineModel"]),
    .target(name: "WineModel"),
  ],
  swiftLanguageModes: [.v6]
)
