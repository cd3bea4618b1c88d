// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Which librdkafka is loaded. Paths are zero-terminated, because a path need not be text.
enum LibraryChoice: Equatable {
  /// The one that the variable names.
  case variable([CChar])
  /// The one of the Python package confluent-kafka, in the virtual environment that algo-run is installed in.
  case pythonPackage([CChar])
  /// The `librdkafka.so.1` that the dynamic linker finds.
  case system

  /// The variable that names a librdkafka.
  static let variable = "ALGO_RUN_LIBRDKAFKA"

  /// The choice for this process.
  static let ofProcess = find()

  private static func find() -> LibraryChoice {
    if let value = unsafe getenv(variable), unsafe value.pointee != 0 {
      return unsafe .variable(Array(UnsafeBufferPointer(start: value, count: strlen(value) + 1)))
    }
    var executable = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = unsafe readlink("/proc/self/exe", &executable, executable.count)
    guard length > 0, let path = ofPythonPackage(executable: executable.prefix(length)) else { return .system }
    return .pythonPackage(path)
  }

  /// The library in the environment whose `bin` holds `executable`; nil if there is none.
  static func ofPythonPackage(executable: some Sequence<CChar>) -> [CChar]? {
    let parts = Array(executable).split(separator: slash, omittingEmptySubsequences: false)
    guard parts.count > 2, parts[parts.count - 2].elementsEqual(bytes("bin")) else { return nil }
    let environment = Array(parts.dropLast(2).joined(separator: [slash]))
    guard unsafe access(environment + bytes("/pyvenv.cfg") + [0], F_OK) == 0 else { return nil }
    let folder = environment + bytes("/lib")
    for python in names(in: folder) where python.starts(with: bytes("python3")) {
      let libraries = folder + [slash] + python + bytes("/site-packages/confluent_kafka.libs")
      if let library = names(in: libraries).first(where: { $0.starts(with: bytes("librdkafka-")) }) {
        return libraries + [slash] + library + [0]
      }
    }
    return nil
  }

  /// Where the library is; nil if the dynamic linker looks for it.
  var path: [CChar]? {
    switch self {
    case .variable(let path), .pythonPackage(let path): path
    case .system: nil
    }
  }

  private static let slash = CChar(bitPattern: UInt8(ascii: "/"))

  private static func bytes(_ text: String) -> [CChar] { text.utf8.map { CChar(bitPattern: $0) } }

  /// In the order of their bytes; none if the folder cannot be read.
  private static func names(in folder: [CChar]) -> [[CChar]] {
    guard let stream = unsafe opendir(folder + [0]) else { return [] }
    defer { unsafe closedir(stream) }
    var found: [[CChar]] = []
    while let entry = unsafe readdir(stream) {
      unsafe found.append(
        withUnsafeBytes(of: &entry.pointee.d_name) { unsafe $0.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } })
    }
    return found.sorted { $0.lexicographicallyPrecedes($1) }
  }
}
