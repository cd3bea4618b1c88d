// SPDX-License-Identifier: Apache-2.0
internal import CAssets

/// A file of the console, embedded in the binary. Its path has a hash of its bytes, so that browsers keep it for ever.
public struct Asset: Sendable {
  /// Below `/assets/`.
  public let path: String
  /// Content type.
  public let type: String
  /// The file.
  public let bytes: [UInt8]

  /// The one style sheet.
  static let stylesheet = unsafe Asset("console", "css", "text/css; charset=utf-8", console_css())
  /// The one script.
  public static let script = unsafe Asset("console", "js", "text/javascript; charset=utf-8", console_js())
  /// The icon of browser tabs.
  static let icon = unsafe Asset("icon", "svg", "image/svg+xml", console_icon())

  /// The asset of a path; nil for any other path.
  public static func at(_ path: String) -> Asset? { [stylesheet, script, icon].first { $0.path == path } }

  private init(_ name: String, _ ending: String, _ type: String, _ file: console_asset) {
    bytes = unsafe Array(UnsafeRawBufferPointer(start: file.bytes, count: file.count))
    // FNV-1a: it only has to distinguish releases.
    let hash = bytes.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    path = "/assets/\(name).\(String(hash, radix: 16)).\(ending)"
    self.type = type
  }
}
