// SPDX-License-Identifier: Apache-2.0
/// Reports metrics of an algorithm: one call is one line to the supervisor, in the order it is written.
///
///     try report(["cats_detected": 24, "score": score])
///
/// Under algo-run the supervisor checks the metrics and publishes them with its own. Anywhere else a call does
/// nothing, so the program runs unchanged; with `ALGO_METRICS_ECHO=1` it prints its lines to stderr.
///
/// - Parameter metrics: Names and numbers. The same name in a later call, or later in this one, replaces its value.
/// - Throws: ``MetricError`` for a name that is empty or reserved, or decimal text that is not a number; then nothing
///   of the call is sent. A failure to send is never thrown.
public func report(_ metrics: KeyValuePairs<String, any MetricNumber>) throws(MetricError) {
  try report(contentsOf: metrics)
}

/// Reports one metric.
///
/// - Throws: ``MetricError``, as for a literal of many.
public func report(_ name: String, _ value: any MetricNumber) throws(MetricError) {
  try report(contentsOf: CollectionOfOne((key: name, value: value)))
}

/// Reports metrics that were collected before: a dictionary, or any sequence of pairs, in the order it has.
///
/// - Throws: ``MetricError``, as for a literal.
public func report(
  contentsOf metrics: some Sequence<(key: String, value: any MetricNumber)>
) throws(MetricError) {
  guard let line = try MetricLine(metrics) else { return }
  // In a worker a thread of no request must not report to the request that happens to run.
  if let request = AlgorithmRequest.current ?? (Worker.shared == nil ? nil : .noRequest) {
    request.send(line.bytes)
  } else {
    MetricsChannel.send(line.bytes)
  }
}
