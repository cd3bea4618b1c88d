internal import CRDKafka
internal import Platform

/// librdkafka itself: loaded when first asked for, so that nobody pays for it who delivers to a file.
public enum KafkaLibrary {
  /// The first release whose SCRAM login Apache Kafka 4 accepts; before, it sent the client's nonce twice in its final
  /// message, which Kafka up to 3.9 tolerates.
  static let firstWithSoundSCRAM = 0x02_06_01

  /// The first release that needs ``ProducerWarmUp``; those before only lose a millisecond by it.
  static let firstInNeedOfWarmUp = 0x02_0a_00

  /// Loads the library unless that was done.
  ///
  /// - Throws: ``KafkaError/libraryMissing(reason:)``.
  public static func load() throws(KafkaError) {
    if let reason = crdk_load() { throw .libraryMissing(reason: String(cString: reason)) }
  }

  /// Begins to load the library on a thread of its own; ``load()`` then waits for that. To load it takes milliseconds, in
  /// which its user can do something else.
  ///
  /// - Parameter speaksTLS: false only where no connection of this process ever will.
  public static func loadInBackground(speaksTLS: Bool) {
    if !speaksTLS { crdk_expect_no_tls() }
    // Without a thread it is loaded when it is needed.
    _ = try? Thread.start { _ = crdk_load() }
  }

  /// The loaded library's version, such as `2.14.2`; nil where it cannot be loaded.
  public static var version: String? {
    guard crdk_load() == nil else { return nil }
    return String(cString: crdk_version_str())
  }

  /// Whether the loaded library is late with its first record unless it is helped.
  static var needsWarmUp: Bool { crdk_load() == nil && Int(crdk_version()) >> 8 >= firstInNeedOfWarmUp }

  /// Whether the loaded library can log in to Apache Kafka 4 by SCRAM.
  static var hasSoundSCRAM: Bool {
    guard crdk_load() == nil else { return true }
    // 0xMMmmrrpp: major, minor, revision, pre-release.
    return Int(crdk_version()) >> 8 >= firstWithSoundSCRAM
  }
}
