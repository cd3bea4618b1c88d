// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Paths that mean the same wherever algo-run is called.
public enum AbsolutePath {
  /// The path itself, or below the current directory if it is relative.
  ///
  /// - Throws: ``StateError`` if the current directory is gone or its name is not UTF-8.
  public static func of(_ path: String) throws(StateError) -> String {
    guard !path.hasPrefix("/") else { return path }
    guard let buffer = unsafe getcwd(nil, 0) else { throw .inaccessible(path: path, errno: errno) }
    defer { unsafe free(buffer) }
    guard let current = unsafe String(validatingCString: buffer) else { throw .notText("the current directory") }
    return current == "/" ? "/" + path : current + "/" + path
  }
}
