// SPDX-License-Identifier: Apache-2.0
extension CultivarModel {
  /// Written by `train-wine-cultivar` from the 134 wines of data/train.csv; do not edit.
  package static let trained = CultivarModel(
    ranges: [
      .init(mean: 13.018955, deviation: 0.827023, low: 11.41, high: 14.83),  // alcohol
      .init(mean: 2.265448, deviation: 1.079529, low: 0.74, high: 5.65),  // malic_acid
      .init(mean: 2.379328, deviation: 0.278139, low: 1.7, high: 3.23),  // ash
      .init(mean: 19.44403, deviation: 3.376044, low: 11.2, high: 30.0),  // alcalinity_of_ash
      .init(mean: 100.261194, deviation: 13.895923, low: 70.0, high: 151.0),  // magnesium
      .init(mean: 2.299552, deviation: 0.629723, low: 0.98, high: 3.88),  // total_phenols
      .init(mean: 2.052015, deviation: 1.021654, low: 0.34, high: 5.08),  // flavanoids
      .init(mean: 0.363209, deviation: 0.122607, low: 0.13, high: 0.66),  // nonflavanoid_phenols
      .init(mean: 1.592985, deviation: 0.571379, low: 0.41, high: 3.58),  // proanthocyanins
      .init(mean: 5.032612, deviation: 2.221863, low: 1.74, high: 13.0),  // color_intensity
      .init(mean: 0.954746, deviation: 0.216925, low: 0.55, high: 1.45),  // hue
      .init(mean: 2.613955, deviation: 0.718903, low: 1.27, high: 4.0),  // od280_od315_of_diluted_wines
      .init(mean: 754.074627, deviation: 309.994606, low: 278.0, high: 1680.0),  // proline
    ],
    weights: [
      [
        0.790083, 0.224252, 0.398508, -0.719425, 0.070744, 0.2444, 0.51744,
        -0.169318, 0.193682, 0.08471, 0.209225, 0.557773, 0.913172, 0.37817,
      ],
      [
        -1.019721, -0.448377, -0.680241, 0.446051, -0.117359, 0.119699, 0.179983,
        0.064032, 0.012525, -0.835177, 0.55864, 0.17506, -0.91938, 0.520649,
      ],
      [
        0.229638, 0.224124, 0.281734, 0.273375, 0.046615, -0.364099, -0.697424,
        0.105286, -0.206207, 0.750467, -0.767864, -0.732833, 0.006208, -0.898818,
      ],
    ])
}
