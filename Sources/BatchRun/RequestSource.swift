// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import Glibc
internal import Platform

/// One FILE of a request list.
struct RequestSource: Equatable {
  /// One request a line, or one in all.
  enum Kind { case lines, whole }

  /// As the user wrote it; `-` is standard input.
  let path: String
  let kind: Kind

  /// `.ndjson`, `.jsonl` and `-` hold a request a line; every other file is one request.
  init(path: String) {
    self.path = path
    kind = path == "-" || path.hasSuffix(".ndjson") || path.hasSuffix(".jsonl") ? .lines : .whole
  }

  /// All of a command line, each checked before anything runs: a misspelt name is found now, not after hours.
  ///
  /// - Throws: ``BatchFailure`` if one cannot be opened.
  static func all(_ paths: [String]) throws(BatchFailure) -> [RequestSource] {
    var sources: [RequestSource] = []
    for path in paths {
      if path == "-" {
        guard !sources.contains(where: { $0.path == "-" }) else { throw .standardInputTwice }
      } else {
        var information = stat()
        guard stat(path, &information) == 0, access(path, R_OK) == 0 else {
          throw .cannotOpenRequests(path: path, code: errno)
        }
        guard information.st_mode & S_IFMT != S_IFDIR else { throw .requestsAreDirectory(path: path) }
      }
      sources.append(RequestSource(path: path))
    }
    return sources
  }

  /// Whether it is a regular file, which can be read twice.
  var isRegularFile: Bool {
    var information = stat()
    return path != "-" && stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
  }
}

/// The source that is being read.
final class OpenSource {
  /// Why a source that was there at the start cannot be read now.
  struct OpeningFailure: Error {
    let words: String
  }

  let path: String
  let kind: RequestSource.Kind
  let descriptor: Descriptor
  /// Whether reading never waits: regular files.
  let isAlwaysReady: Bool
  /// The number of the line read last.
  var line = 0
  private(set) var hashed = 0
  private var sha = SHA256()

  private init(_ source: RequestSource, descriptor: Descriptor) {
    path = source.path
    kind = source.kind
    self.descriptor = descriptor
    isAlwaysReady = descriptor.isRegularFile
  }

  static func opening(_ source: RequestSource) -> Result<OpenSource, OpeningFailure> {
    if source.path == "-" { return .success(OpenSource(source, descriptor: .standardInput)) }
    do throws(SystemError) {
      // Not blocking: the loop waits for the writer of a pipe, and continues supervising.
      let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
      return .success(OpenSource(source, descriptor: try Descriptor.open(source.path, flags: flags, mode: 0)))
    } catch {
      return .failure(OpeningFailure(words: "cannot open it: \(error)"))
    }
  }

  func hash(_ bytes: UnsafeRawBufferPointer) {
    sha.consume(bytes)
    hashed += bytes.count
  }

  func digest() -> SHA256.Digest { sha.finish() }
}
