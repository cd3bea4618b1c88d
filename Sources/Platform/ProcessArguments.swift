// SPDX-License-Identifier: Apache-2.0
internal import CPlatform

/// The command line of this process as the kernel passed it: bytes that need not be text.
public enum ProcessArguments {
  /// All words without their NUL; the first is the program's name.
  public static func words() -> [[UInt8]] {
    (0..<process_argument_count()).map { index in
      guard var next = unsafe process_argument(index) else { return [] }
      var word: [UInt8] = []
      while unsafe next.pointee != 0 {
        word.append(unsafe UInt8(bitPattern: next.pointee))
        unsafe next += 1
      }
      return word
    }
  }
}
