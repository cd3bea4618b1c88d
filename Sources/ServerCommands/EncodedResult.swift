// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import HTTPService
internal import Platform

/// JSON with a result in it. One that is in a file is encoded while it is sent, a slice at a time: a large one neither fills
/// memory nor holds other calls up.
struct EncodedResult: HTTPBody {
  /// Where the result is.
  enum Source {
    /// There is none; the JSON is complete without.
    case none
    case bytes([UInt8])
    case file(Descriptor, at: Int)
  }

  /// The JSON before the result, with its first quote if it is a string.
  let prefix: [UInt8]
  let form: CallOutput.Form
  let source: Source
  /// Bytes of the result.
  let count: Int
  /// The JSON after the result.
  let suffix: [UInt8]

  var body: HTTPResponse.Body {
    switch source {
    case .none: return .bytes(prefix + suffix)
    case .file: return .made(self)
    case .bytes(let bytes):
      var all = prefix
      var encoder = ResultEncoder(form: form)
      bytes.withUnsafeBytes { encoder.encode($0, to: &all) }
      return .bytes(all + suffix)
    }
  }

  /// So many bytes of the result as it is, from `offset` on.
  func bytes(at offset: Int, _ count: Int) throws(SystemError) -> [UInt8] {
    switch source {
    case .none: []
    case .bytes(let bytes): Array(bytes[offset..<offset + count])
    case .file(let file, let start): try file.bytes(at: start + offset, count)
    }
  }

  func reader() -> any HTTPBodyReader { Reader(self) }

  private final class Reader: HTTPBodyReader {
    /// A multiple of 3, for base64.
    private static let slice = 24_576

    private let result: EncodedResult
    private var encoder: ResultEncoder
    private var pending: [UInt8]
    private var taken = 0
    private var offset = 0
    private var isEnded = false

    init(_ result: EncodedResult) {
      self.result = result
      encoder = ResultEncoder(form: result.form)
      pending = result.prefix
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
      while taken == pending.count {
        guard !isEnded else { return 0 }
        try encodeNext()
      }
      let count = min(buffer.count, pending.count - taken)
      pending.withUnsafeBytes {
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[taken..<taken + count]))
      }
      taken += count
      return count
    }

    private func encodeNext() throws(SystemError) {
      pending.removeAll(keepingCapacity: true)
      taken = 0
      guard offset < result.count else {
        pending = result.suffix
        isEnded = true
        return
      }
      let wanted = min(Self.slice, result.count - offset)
      try result.bytes(at: offset, wanted).withUnsafeBytes { encoder.encode($0, to: &pending) }
      offset += wanted
    }
  }
}

extension Descriptor {
  /// So many bytes of a file.
  ///
  /// - Throws: the errno of a read; EIO if the file ends before.
  func bytes(at offset: Int, _ count: Int) throws(SystemError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let read: Result<Int, SystemError> = bytes.withUnsafeMutableBytes { buffer in
        do throws(SystemError) {
          let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
          return .success(try self.read(into: rest, at: offset + filled))
        } catch { return .failure(error) }
      }
      let more = try read.get()
      guard more > 0 else { throw SystemError(EIO) }
      filled += more
    }
    return bytes
  }
}
