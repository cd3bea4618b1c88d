// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import KafkaClient

/// Where librdkafka is looked for beside the binary; the variable is tested with the program itself.
@Suite struct LibraryChoiceTests {
  private let folder = NSTemporaryDirectory() + "venv-\(UUID().uuidString)"
  private let library = "lib/python3.11/site-packages/confluent_kafka.libs/librdkafka-0cb94173.so.1"

  private func chosen(for executable: String, _ files: String...) throws -> String? {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for file in files {
      let path = "\(folder)/\(file)"
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data().write(to: URL(filePath: path))
    }
    let path = LibraryChoice.ofPythonPackage(executable: "\(folder)/\(executable)".utf8.map { CChar(bitPattern: $0) })
    return path.map { String(decoding: $0.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }
      .map { String($0.dropFirst(folder.count + 1)) }
  }

  @Test func `the library of confluent-kafka in the binary's own virtual environment is chosen`() throws {
    #expect(try chosen(for: "bin/algo-run", "pyvenv.cfg", library, "lib/python3.11/site-packages/six.py") == library)
    #expect(try chosen(for: "bin/algo-run", "pyvenv.cfg", library, "lib/python3.1/readme") == library)
  }

  @Test func `without a virtual environment, or without the package, none is chosen`() throws {
    #expect(try chosen(for: "bin/algo-run", library) == nil)
    #expect(try chosen(for: "libexec/algo-run", "pyvenv.cfg", library) == nil)
    #expect(try chosen(for: "bin/algo-run", "pyvenv.cfg") == nil)
    #expect(
      try chosen(
        for: "bin/algo-run", "pyvenv.cfg", "lib/python3.11/site-packages/confluent_kafka.libs/libz-1.so") == nil)
    #expect(LibraryChoice.ofPythonPackage(executable: []) == nil)
  }
}
