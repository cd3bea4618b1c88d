// SPDX-License-Identifier: Apache-2.0
internal import CPlatform

/// The C library's allocator of this process.
public enum Allocator {
  /// Has freed blocks of up to 128 bytes merged with their neighbours immediately, not all of them together each time a large
  /// block is freed. For a process that frees thousands of them together.
  public static func mergeImmediately() { merge_small_blocks() }
}
