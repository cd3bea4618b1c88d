// SPDX-License-Identifier: Apache-2.0
internal import JSONText
internal import RunModel
internal import StateStore

/// A version as clients of the original service expect it: its generated clients refuse an object that lacks a member.
enum VersionJSON {
  static func write(_ version: PublishedVersion, to json: inout JSONWriter) {
    func object(_ name: String, _ members: (inout JSONWriter) -> Void) {
      json.name(name)
      json.beginObject()
      members(&json)
      json.endObject()
    }
    func flag(_ name: String, _ value: Bool, _ json: inout JSONWriter) {
      json.name(name)
      json.boolean(value)
    }
    let fingerprint = VersionFingerprint.hexadecimal(of: version)
    json.beginObject()
    json.member("id", version.algorithm.description)
    json.member("name", version.algorithm.name)
    object("details") {
      $0.member("summary", version.notes)
      $0.member("label", version.algorithm.name)
      $0.member("tagline", "")
    }
    object("settings") {
      $0.member("algorithm_callability", "private")
      $0.member("source_visibility", "closed")
      $0.member("license", "apl")
      $0.member("network_access", "full")
      flag("pipeline_enabled", true, &$0)
      flag("insights_enabled", version.insights, &$0)
    }
    object("version_info") {
      $0.member("semantic_version", version.version.description)
      $0.member("git_hash", String(fingerprint.prefix(40)))
      $0.member("release_notes", version.notes)
      $0.member("version_uuid", uuid(fingerprint))
      flag("insights_enabled", version.insights, &$0)
    }
    object("source") {
      $0.name("scm")
      $0.beginObject()
      $0.member("id", "internal")
      $0.member("provider", "internal")
      flag("default", true, &$0)
      flag("enabled", true, &$0)
      $0.endObject()
    }
    object("compilation") { flag("successful", true, &$0) }
    json.member("self_link", "/v1/algorithms/\(version.algorithm)/versions/\(version.version)")
    json.member("resource_type", "algorithm")
    json.endObject()
  }

  /// One version.
  static func document(_ version: PublishedVersion) -> [UInt8] {
    var json = JSONWriter()
    write(version, to: &json)
    return json.bytes
  }

  /// A page of versions; the marker of the next page, if there is one.
  static func list(_ versions: some Sequence<PublishedVersion>, marker: String?) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("marker", orNull: marker)
    json.member("next_link", orNull: nil)
    json.name("results")
    json.beginArray()
    for version in versions { write(version, to: &json) }
    json.endArray()
    json.endObject()
    return json.bytes
  }

  /// Digits of a fingerprint in the form of a UUID of version 8 (RFC 9562: for own uses).
  private static func uuid(_ fingerprint: String) -> String {
    let digits = Array(fingerprint.suffix(32))
    return String(digits[0..<8]) + "-" + String(digits[8..<12]) + "-8" + String(digits[13..<16]) + "-8"
      + String(digits[17..<20]) + "-" + String(digits[20..<32])
  }
}
