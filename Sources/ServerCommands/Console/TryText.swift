// SPDX-License-Identifier: Apache-2.0
/// The result of a call as a page shows it.
enum TryText {
  private static let limit = 65_536

  /// Nil if there is none; of a long one the beginning, of a binary one its size.
  static func result(of call: Call) -> String? {
    guard call.output.loss == nil else { return call.output.loss }
    guard call.output.form != .binary else { return "(\(call.output.count) bytes that are not text)" }
    guard let bytes = try? call.output.beginning(limit) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    return bytes.count == call.output.count ? text : text + "\n… (\(call.output.count) bytes in all)"
  }
}
