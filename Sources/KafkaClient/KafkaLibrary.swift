// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka
internal import Platform
internal import RunModel

/// librdkafka itself: loaded when first used, so that delivery to a file does not pay for it.
public enum KafkaLibrary {
  /// The first release whose SCRAM login Apache Kafka 4 accepts; before, it sent the client's nonce twice in its final
  /// message, which Kafka up to 3.9 tolerates.
  static let firstWithSoundSCRAM = 0x02_06_01

  /// The first release that needs ``ProducerWarmUp``; those before only lose a millisecond by it.
  static let firstInNeedOfWarmUp = 0x02_0a_00

  /// Loads the library unless that was done.
  ///
  /// - Throws: ``KafkaError`` about the library that ``LibraryChoice`` names.
  public static func load() throws(KafkaError) {
    guard let reason = unsafe open() else { return }
    let path = path
    // The dynamic linker's words begin with the path.
    let text = unsafe String(cString: reason)
    let essence = path.map { text.hasPrefix("\($0): ") ? String(text.dropFirst($0.count + 2)) : text } ?? text
    switch LibraryChoice.ofProcess {
    case .variable:
      throw .namedLibraryUnusable(variable: LibraryChoice.variable, path: path ?? "", reason: essence)
    case .pythonPackage: throw .packagedLibraryUnusable(path: path ?? "", reason: essence)
    case .system: throw .libraryMissing(reason: essence)
    }
  }

  /// Loads what members of a consumer group need of it.
  static func loadForGroups() throws(KafkaError) {
    try load()
    guard let reason = unsafe crdk_load_group() else { return }
    throw .libraryMissing(reason: unsafe String(cString: reason))
  }

  /// - Returns: nil, or why there is no library.
  private static func open() -> UnsafePointer<CChar>? { unsafe crdk_load(LibraryChoice.ofProcess.path) }

  /// Where the library is, if the dynamic linker does not decide that.
  private static var path: String? {
    LibraryChoice.ofProcess.path.map { String(decoding: $0.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }
  }

  /// Begins to load the library on a thread of its own; ``load()`` then waits for that. To load it takes milliseconds,
  /// in which its user can do something else.
  ///
  /// - Parameter speaksTLS: false only if no connection of this process ever will.
  public static func loadInBackground(speaksTLS: Bool) {
    if !speaksTLS { crdk_expect_no_tls() }
    // Without a thread it is loaded when it is needed.
    _ = try? Thread.start { _ = unsafe open() }
  }

  /// The library's name, version, and path if that was chosen.
  static var description: String {
    "librdkafka \(version ?? "?")" + (path.map { " (\(TerminalText.escaped($0, limit: 4096)))" } ?? "")
  }

  /// The loaded library's version, such as `2.14.2`; nil if it cannot be loaded.
  public static var version: String? {
    guard unsafe open() == nil else { return nil }
    return unsafe String(cString: crdk_version_str())
  }

  /// Whether the loaded library is late with its first record unless it is helped.
  static var needsWarmUp: Bool { unsafe open() == nil && Int(crdk_version()) >> 8 >= firstInNeedOfWarmUp }

  /// The limit of SCRAM logins with the loaded library, and the remedy; nil if there is none.
  static var limitOfSCRAM: String? {
    // 0xMMmmrrpp: major, minor, revision, pre-release.
    guard unsafe open() == nil, Int(crdk_version()) >> 8 < firstWithSoundSCRAM else { return nil }
    return "SCRAM with librdkafka before 2.6.1 (here \(version ?? "?")) works with Apache Kafka up to 3.9 only, "
      + "whatever the password; for Kafka 4 set \(LibraryChoice.variable) to a newer librdkafka, or use --mechanism PLAIN"
  }
}
