// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import RunModel

/// A place of a home in a consumer group, held by one process at a time: its name is part of the member's transactional
/// name, so that a restart takes its predecessor's, and its journal is the predecessor's.
public final class MemberSlot {
  private static let most = 1024
  /// Bytes of a file's name.
  private static let longestName = 100

  /// The number of the slot, or the encoded name of the instance.
  public let name: String
  /// The file of requests in flight.
  public let journalPath: String
  private let file: Descriptor

  /// Takes the slot of an instance.
  ///
  /// - Returns: nil if another process holds it.
  public static func ofInstance(_ instance: String, group: String, in home: HomeDirectory) throws(StateError)
    -> MemberSlot?
  {
    try MemberSlot(encoded(instance), in: try directory(of: group, in: home))
  }

  /// Takes the lowest free slot.
  public static func lowest(group: String, in home: HomeDirectory) throws(StateError) -> MemberSlot {
    let directory = try directory(of: group, in: home)
    for number in 0..<most { if let slot = try MemberSlot("\(number)", in: directory) { return slot } }
    throw .locked(path: directory)
  }

  private static func directory(of group: String, in home: HomeDirectory) throws(StateError) -> String {
    try home.create()
    try PrivateFile.makeDirectory(home.path + "/consume")
    let directory = home.path + "/consume/" + encoded(group)
    try PrivateFile.makeDirectory(directory)
    return directory
  }

  private init?(_ name: String, in directory: String) throws(StateError) {
    let path = "\(directory)/\(name).lock"
    file = try PrivateFile.open(path, O_CREAT | O_RDWR)
    self.name = name
    journalPath = "\(directory)/\(name).inflight"
    switch file.lock(.exclusive) {
    case .taken: break
    case .busy: return nil
    case .failed(let error): throw PrivateFile.failure(error.code, at: path)
    }
  }

  /// The name of a file for any text: letters, digits, `-`, `_` and `.` are kept, other bytes become `%XX`.
  static func encoded(_ text: String) -> String {
    var name = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        name.unicodeScalars.append(Unicode.Scalar(byte))
      case UInt8(ascii: ".") where !name.isEmpty: name += "."
      default: name += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    guard name.utf8.count > longestName else { return name }
    return String(decoding: name.utf8.prefix(longestName - 17), as: UTF8.self) + "-" + hash(Array(text.utf8))
  }

  /// A hash that differs between the homes of all machines: 16 hexadecimal digits.
  public static func hash(ofHome home: HomeDirectory, machine: String) -> String {
    hash(Array("\(machine)\n\(home.path)".utf8))
  }

  /// The identifier of this machine, else its name.
  public static var machine: String {
    for path in ["/etc/machine-id", "/etc/hostname"] {
      let text = (try? PrivateFile.contents(of: path)).map { String(decoding: $0, as: UTF8.self) }
      if let line = text?.split(separator: "\n").first { return String(line) }
    }
    return "localhost"
  }

  private static func hash(_ bytes: [UInt8]) -> String {
    Hexadecimal.text(Digest.sha256(bytes).prefix(8))
  }
}
