// SPDX-License-Identifier: Apache-2.0
/// Fields of forms: label, control, error and hint belong together, for the eye and for a screen reader.
enum Field {
  static func text(
    _ id: String, _ label: String, _ value: String, type: String = "text", error: String? = nil, hint: String? = nil,
    placeholder: String = "", autocomplete: String = "off"
  ) -> HTML {
    """
    <div class="field"><label for="\(id)">\(label)</label>
    <input id="\(id)" name="\(id)" type="\(type)" value="\(value)" placeholder="\(placeholder)" autocomplete="\(autocomplete)" \
    spellcheck="false"\(description(id, error, hint))>\(texts(id, error, hint))</div>
    """
  }

  static func area(
    _ id: String, _ label: String, _ value: String, rows: Int, error: String? = nil, hint: String? = nil,
    isCode: Bool = false
  ) -> HTML {
    let style: HTML = isCode ? " class=\"code\" spellcheck=\"false\"" : .none
    // The line break behind the tag is not part of the value; without it, one that the value begins with would be lost.
    return """
      <div class="field"><label for="\(id)">\(label)</label>
      <textarea id="\(id)" name="\(id)" rows="\(rows)"\(style)\(description(id, error, hint))>\n\(value)</textarea>\(texts(id, error, hint))</div>
      """
  }

  static func choice(
    _ id: String, _ label: String, _ options: [(value: String, name: String)], chosen: String, hint: String? = nil
  ) -> HTML {
    let items = options.map { option -> HTML in
      let isChosen: HTML = option.value == chosen ? " selected" : ""
      return "<option value=\"\(option.value)\"\(isChosen)>\(option.name)</option>"
    }
    return """
      <div class="field"><label for="\(id)">\(label)</label><select id="\(id)" name="\(id)"\(description(id, nil, hint))>\(HTML(items))</select>\
      \(texts(id, nil, hint))</div>
      """
  }

  static func description(_ id: String, _ error: String?, _ hint: String?) -> HTML {
    switch (error, hint) {
    case (nil, nil): .none
    case (nil, _?): " aria-describedby=\"\(id)-hint\""
    case (_?, nil): " aria-invalid=\"true\" aria-describedby=\"\(id)-error\" data-error"
    case (_?, _?): " aria-invalid=\"true\" aria-describedby=\"\(id)-error \(id)-hint\" data-error"
    }
  }

  static func texts(_ id: String, _ error: String?, _ hint: String?) -> HTML {
    let error: HTML = error.map { "<p class=\"error\" id=\"\(id)-error\">\($0)</p>" } ?? .none
    let hint: HTML = hint.map { "<p class=\"hint\" id=\"\(id)-hint\">\($0)</p>" } ?? .none
    return "\(error)\(hint)"
  }
}
