// SPDX-License-Identifier: Apache-2.0
/// A page that holds one message: not found, not allowed, an error of the home.
public enum MessagePage {
  /// - Parameters:
  ///   - text: one sentence that ends in what to do.
  ///   - back: where the link at the end leads.
  public static func page(_ title: String, _ text: String, viewer: Viewer?, back: (name: String, path: String))
    -> [UInt8]
  {
    Layout(title, nil, viewer, lines: []).page(
      "<section class=\"empty\"><p>\(text)</p><p><a class=\"button\" href=\"\(back.path)\">\(back.name)</a></p></section>"
    )
  }
}
