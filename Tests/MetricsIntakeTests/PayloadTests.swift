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

  private func payload(_ format: PayloadFormat, id: String = "req-1", _ metrics: [Metric]) throws -> String {
    let bytes = PayloadBuilder(format: format, sessionID: "rses-7").payload(
      requestID: id, version: try version(), launchedAt: Timestamp(microseconds: 1_613_780_514_867_231),
      duration: .nanoseconds(8_412_600), metrics: metrics)
    return String(decoding: bytes, as: UTF8.self)
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

  @Test func `all is ASCII`() throws {
    let text = try payload(.standard, id: "é\u{7f}\"", [Metric(name: "猫😺\n", number: "1")])
    #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f })
    #expect(text.contains(#""\u732b\ud83d\ude3a\n":1"#))
    #expect(text.contains(#""request_id":"\u00e9\u007f\"""#))
  }
}
