// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import ProcessSupervision

/// Counts the requests of a list before they run, a piece at a time, for the total in the progress.
struct RequestCount {
  /// The number of requests; nil until all are counted, and always if a source cannot be read twice.
  private(set) var total: Int?
  /// Whether ``advance()`` has nothing more to count.
  private(set) var isOver = false
  private let sources: [RequestSource]
  private var next = 0
  private var counted = 0
  private var file: Descriptor?
  private var offset = 0
  private var lineIsBlank = true

  private let inputStart: Int

  /// A count of `sources`, made before any of them is read.
  init(sources: [RequestSource]) {
    self.sources = sources
    inputStart = sources.contains { $0.path == "-" } ? max(0, lseek(0, 0, SEEK_CUR)) : 0
  }

  /// Counts up to 1 MiB further.
  mutating func advance() {
    guard !isOver else { return }
    guard next < sources.count else {
      total = counted
      isOver = true
      return
    }
    let source = sources[next]
    guard source.kind == .lines else {
      counted += 1
      next += 1
      return
    }
    if file == nil, !open(source) {
      isOver = true
      return
    }
    countPiece()
  }

  private mutating func open(_ source: RequestSource) -> Bool {
    (offset, lineIsBlank) = (0, true)
    if source.path == "-" {
      // The reader uses the position of standard input; reading at an offset does not change it.
      var information = stat()
      guard fstat(0, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return false }
      file = try? Descriptor.duplicating(0)
      offset = inputStart
    } else if source.isRegularFile {
      file = try? Descriptor.reading(source.path)
    }
    return file != nil
  }

  private mutating func countPiece() {
    let read: Int = withUnsafeTemporaryAllocation(byteCount: 1 << 18, alignment: 16) { buffer in
      let read = file?.withNumber { pread($0, buffer.baseAddress, buffer.count, offset) } ?? 0
      guard read > 0 else { return read }
      var rest = UnsafeRawBufferPointer(rebasing: buffer[..<read])
      if offset == 0 { rest = UnsafeRawBufferPointer(rebasing: rest[rest.byteOrderMarkLength...]) }
      while let newline = rest.offsetOfNewline {
        if !(lineIsBlank && UnsafeRawBufferPointer(rebasing: rest[..<newline]).isBlank) { counted += 1 }
        lineIsBlank = true
        rest = UnsafeRawBufferPointer(rebasing: rest[(newline + 1)...])
      }
      lineIsBlank = lineIsBlank && rest.isBlank
      return read
    }
    if read > 0 {
      offset += read
      return
    }
    if !lineIsBlank { counted += 1 }
    file = nil
    next += 1
  }
}
