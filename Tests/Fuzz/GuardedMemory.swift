// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Memory that ends where a page without access begins: reading one byte too far ends the process immediately.
final class GuardedMemory {
  nonisolated(unsafe) static let shared = GuardedMemory()
  private static let capacity = 4 << 20
  private let end: UnsafeMutableRawPointer?

  private init() {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let whole = mmap(
      nil, Self.capacity + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let whole, whole != MAP_FAILED, mprotect(whole + Self.capacity, page, PROT_NONE) == 0 else {
      end = nil
      return
    }
    end = whole + Self.capacity
  }

  /// Lends a copy of `bytes` whose last byte is the last one that can be read.
  func lend(_ bytes: ArraySlice<UInt8>, to use: (UnsafeRawBufferPointer) -> Void) {
    guard let end, bytes.count <= Self.capacity else {
      FileHandle.standardError.write(Data("no guarded memory for \(bytes.count) bytes\n".utf8))
      abort()
    }
    let start = end - bytes.count
    bytes.withUnsafeBytes { source in
      if let first = source.baseAddress { start.copyMemory(from: first, byteCount: source.count) }
    }
    use(UnsafeRawBufferPointer(start: start, count: bytes.count))
  }
}
