// SPDX-License-Identifier: Apache-2.0
internal import ExecutionFiles
internal import JSONText
internal import RunModel
internal import StateStore

/// `algo-run runs schema`: the reported metrics as a store needs them.
enum MetricSchema {
  enum Store: String, CaseIterable { case connect, clickhouse, postgresql, telegraf }

  private static let texts = ["request_id", "timestamp", "algorithm_owner", "algorithm_name", "algorithm_version"]

  static func run(_ history: History, _ selection: RunSelection, for store: Store) throws -> Int32 {
    let metrics = try history.columns(selection).metrics
    let reference = selection.reference.map { "\($0)" } ?? ""
    guard try history.count(selection) > 0 else {
      Message.print("no execution of \(reference) is in the history; list what there is with: algo-run runs.")
      return 1
    }
    return StandardOutput.write(text(for: store, metrics, reference)) ? 0 : 1
  }

  private static func text(for store: Store, _ metrics: [String], _ reference: String) -> String {
    switch store {
    case .connect: connect(metrics)
    case .clickhouse: clickhouse(metrics, reference)
    case .postgresql: postgresql(metrics, reference)
    case .telegraf: telegraf(metrics, reference)
    }
  }

  /// For `value.converter.schema.content` of Kafka Connect's JsonConverter. The timestamp stays a string:
  /// TimestampConverter reads its six decimals as milliseconds.
  private static func connect(_ metrics: [String]) -> String {
    var json = JSONWriter()
    json.beginObject()
    json.member("type", "struct")
    json.name("fields")
    json.beginArray()
    func field(_ name: String, _ type: String, isOptional: Bool) {
      json.beginObject()
      json.member("field", name)
      json.member("type", type)
      json.name("optional")
      json.boolean(isOptional)
      json.endObject()
    }
    field("request_id", "string", isOptional: false)
    field("timestamp", "string", isOptional: false)
    field("duration_milliseconds", "double", isOptional: false)
    for name in texts.suffix(3) { field(name, "string", isOptional: false) }
    for name in metrics { field(name, "double", isOptional: true) }
    json.endArray()
    json.endObject()
    return String(decoding: json.bytes, as: UTF8.self) + "\n"
  }

  private static func clickhouse(_ metrics: [String], _ reference: String) -> String {
    var columns = [
      "request_id String", "timestamp DateTime64(6, 'UTC')", "duration_milliseconds Float64",
      "algorithm_owner LowCardinality(String)", "algorithm_name LowCardinality(String)",
      "algorithm_version LowCardinality(String)",
    ]
    columns += metrics.map { "\(quoted($0, "`", hexadecimal: "\\x")) Nullable(Float64)" }
    return """
      -- Metrics of \(reference). Query it with FINAL: a payload may arrive twice.
      CREATE TABLE insights (
        \(columns.joined(separator: ",\n  "))
      ) ENGINE = ReplacingMergeTree
      ORDER BY (algorithm_owner, algorithm_name, algorithm_version, timestamp, request_id)
      PARTITION BY toYYYYMM(timestamp);

      """
  }

  private static func postgresql(_ metrics: [String], _ reference: String) -> String {
    var columns = [
      "request_id text PRIMARY KEY", "\"timestamp\" timestamptz NOT NULL", "duration_milliseconds float8 NOT NULL",
      "algorithm_owner text NOT NULL", "algorithm_name text NOT NULL", "algorithm_version text NOT NULL",
    ]
    // PostgreSQL refuses the former, and cuts the latter to a name that another metric may have.
    let possible = metrics.filter { !$0.utf8.contains(0) && $0.utf8.count <= 63 }
    columns += possible.map { "\(quoted($0, "\"", hexadecimal: nil)) float8" }
    let missing = metrics.count - possible.count
    let note =
      missing == 0
      ? "" : "\n-- \(missing) metric(s) are left out: no column can have U+0000 or more than 63 bytes in its name."
    return """
      -- Metrics of \(reference). Insert with ON CONFLICT (request_id) DO NOTHING: a payload may arrive twice.\(note)
      CREATE TABLE insights (
        \(columns.joined(separator: ",\n  "))
      );

      """
  }

  /// Telegraf's json_v2 makes a float of every number, so metrics need no types; they are listed to be chosen from.
  private static func telegraf(_ metrics: [String], _ reference: String) -> String {
    let included = ["request_id", "duration_milliseconds"] + metrics
    let list = included.map { quoted($0, "\"", hexadecimal: "\\u00") }
    return """
      # Metrics of \(reference). json_v2 writes each number as a float.
      [[inputs.kafka_consumer]]
        brokers = ["${KAFKA_BROKER_URL}"]
        topics = ["${KAFKA_TOPIC}"]
        kafka_version = "2.8.0"
        consumer_group = "telegraf-insights"
        msg_headers_as_tags = ["algo_outcome", "algo_connection_test"]
        data_format = "json_v2"
        fieldinclude = [\(list.joined(separator: ", "))]
        [[inputs.kafka_consumer.json_v2]]
          measurement_name = "insights"
          [[inputs.kafka_consumer.json_v2.object]]
            path = "@this"
            timestamp_key = "timestamp"
            timestamp_format = "rfc3339"
            tags = ["algorithm_owner", "algorithm_name", "algorithm_version"]
        [inputs.kafka_consumer.tagdrop]
          algo_connection_test = ["*"]

      """
  }

  /// An identifier of SQL or a string of TOML. Without `hexadecimal`, which begins the escape of a control character,
  /// there are no escapes and the quote is doubled.
  private static func quoted(_ name: String, _ quote: Character, hexadecimal: String?) -> String {
    var text = String(quote)
    for character in name.unicodeScalars {
      if let hexadecimal, character.value < 0x20 || character.value == 0x7f {
        text += hexadecimal + (character.value < 0x10 ? "0" : "") + String(character.value, radix: 16)
        continue
      }
      if hexadecimal != nil, character == "\\" { text += "\\" }
      if Character(character) == quote { text += hexadecimal == nil ? String(quote) : "\\" }
      text.unicodeScalars.append(character)
    }
    return text + String(quote)
  }
}
