// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Testing

/// Whether two names mean one file: what is read must not be written over.
@Suite struct FileIdentityTests {
  private let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

  init() throws { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) }

  @Test func `a file is the same by every name, and another one after it was replaced`() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let (file, link) = (directory + "/file", directory + "/link")
    try Data("x".utf8).write(to: URL(fileURLWithPath: file))
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
    let first = try #require(FileIdentity(reading: file))
    #expect(first == FileIdentity(reading: link) && first == FileIdentity(writing: directory + "/./file"))
    let (found, size) = try #require(try FileIdentity.lookUp(link))
    #expect(found == first && size == 1)
    try Data().write(to: URL(fileURLWithPath: file + ".new"))
    #expect(rename(file + ".new", file) == 0)
    #expect(first != FileIdentity(reading: file))
  }

  @Test func `a file that is not there yet is known by its directory and name`() {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let future = FileIdentity(writing: directory + "/new")
    #expect(
      future != nil && future == FileIdentity(writing: directory + "/../\(directory.split(separator: "/").last!)/new"))
    #expect(future != FileIdentity(writing: directory + "/other"))
    #expect(FileIdentity(reading: directory + "/new") == nil)
  }

  @Test func `a device is not a file that a writer could harm`() {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    #expect(FileIdentity(reading: "/dev/null") == nil && FileIdentity(writing: "/dev/null") == nil)
  }
}
