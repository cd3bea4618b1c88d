// SPDX-License-Identifier: Apache-2.0
import MetricsIntake
import RunModel
import Testing

/// The bytes of a payload.
struct PayloadTests {
  private func version() throws -> PublishedVersion {
    PublishedVersion(
      algorithm: try AlgorithmName(parsing: "asli/credit_card_approval"),
      version: VersionNumber(major: 1, minor: 0, revision: 6), command: ["x"], directory: nil, timeLimit: nil,
      environment: [], notes: "", publishedAt: Timestamp(microseconds: 0), insights: true)
  }

  private func record(_ termination: Termination = .exited(code: 0), memory: Int64? = nil) throws -> ExecutionRecord {
    ExecutionRecord(
      requestID: "req-1", version: try version(), ending: .ended(termination), attempts: 2,
      startedAt: Timestamp(microseconds: 1_613_780_514_867_231), duration: .nanoseconds(8_412_600),
      usage: ResourceUsage(userTime: .microseconds(1500), systemTime: .zero, peakMemoryBytes: memory), metrics: .none)
  }

  private func payload(_ format: PayloadFormat, _ record: ExecutionRecord) throws -> String {
    let bytes = try #require(PayloadBuilder(format: format, sessionID: "rses-7").payload(of: record))
    return String(decoding: bytes, as: UTF8.self)
  }

  private func payload(_ format: PayloadFormat, id: String = "req-1", _ metrics: [Metric]) throws -> String {
    var record = try record()
    record.requestID = id
    record.metrics = CollectedMetrics(accepted: metrics, rejected: [])
    return try payload(format, record)
  }

  @Test func `operational members come first, then the metrics in order, numbers as written`() throws {
    #expect(
      try payload(.standard, [Metric(name: "risk_score", number: "0.20"), Metric(name: "approved", number: "1")])
        == #"{"request_id":"req-1","timestamp":"2021-02-20T00:21:54.867231Z","duration_milliseconds":8.412,"#
        + #""algorithm_owner":"asli","algorithm_name":"credit_card_approval","algorithm_version":"1.0.6","#
        + #""risk_score":0.20,"approved":1}"#)
  }

  @Test func `the legacy format has time and session_id and a whole duration`() throws {
    #expect(
      try payload(.legacy, [])
        == #"{"request_id":"req-1","time":"2021-02-20T00:21:54.867231","session_id":"rses-7","#
        + #""duration_milliseconds":8,"algorithm_owner":"asli","algorithm_name":"credit_card_approval","#
        + #""algorithm_version":"1.0.6"}"#)
  }

  @Test func `the extended format adds what was measured after the six, and leaves out what is unknown`() throws {
    let six =
      #"{"request_id":"req-1","timestamp":"2021-02-20T00:21:54.867231Z","duration_milliseconds":8.412,"#
      + #""algorithm_owner":"asli","algorithm_name":"credit_card_approval","algorithm_version":"1.0.6","#
    var ended = try record(.exited(code: 3), memory: 1_048_576)
    ended.metrics = CollectedMetrics(accepted: [Metric(name: "approved", number: "1")], rejected: [])
    #expect(
      try payload(.extended, ended)
        == six + #""outcome":"failed","exit_code":3,"attempts":2,"cpu_user_milliseconds":1.5,"#
        + #""cpu_system_milliseconds":0,"max_rss_bytes":1048576,"approved":1}"#)
    #expect(
      try payload(.extended, record(.signaled(number: 9)))
        == six + #""outcome":"signaled","attempts":2,"cpu_user_milliseconds":1.5,"cpu_system_milliseconds":0}"#)
  }

  @Test func `a bare command has none`() throws {
    var bare = try record()
    bare.version = nil
    #expect(PayloadBuilder(format: .extended, sessionID: "rses-7").payload(of: bare) == nil)
  }

  @Test func `all is ASCII`() throws {
    let text = try payload(.standard, id: "é\u{7f}\"", [Metric(name: "猫😺\n", number: "1")])
    #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f })
    #expect(text.contains(#""\u732b\ud83d\ude3a\n":1"#))
    #expect(text.contains(#""request_id":"\u00e9\u007f\"""#))
  }
}
