# SPDX-License-Identifier: Apache-2.0
# One call's metrics as one line of JSON, newline included. Touches no connection.

# The supervisor's own members of a payload.
reserved_names <- c(
  "request_id", "timestamp", "duration_milliseconds", "algorithm_owner", "algorithm_name", "algorithm_version"
)

metric_line <- function(metrics) {
  if (!length(metrics)) return(NULL)
  members <- vapply(metrics, function(metric) {
    name <- quoted_name(metric$name)
    paste0(name, ":", value_text(name, metric$value))
  }, character(1))
  paste0("{", paste(members, collapse = ","), "}\n")
}

quoted_name <- function(name) {
  if (is.na(name) || !nzchar(name)) refuse("empty_name", 'metric "" has an empty name; give each metric a name')
  # By bytes, so that a letter is one of ASCII in any locale: nothing to escape then.
  if (grepl("^[A-Za-z0-9_ .:/-]+$", name, perl = TRUE, useBytes = TRUE)) {
    quoted <- paste0('"', name, '"')
    if (name %in% reserved_names) refuse_reserved(quoted)
    return(quoted)
  }
  # A name marked as bytes, or with bytes that are not text, has no code points to write.
  unicode <- to_utf8(name)
  points <- if (Encoding(unicode) != "bytes" && validUTF8(unicode)) utf8ToInt(unicode) else NA_integer_
  if (anyNA(points)) {
    quoted <- escaped(as.integer(charToRaw(name)))
    refuse("invalid_name", paste0("metric ", quoted, " has a name that is not valid Unicode; write it in UTF-8"))
  }
  escaped(points)
}

to_utf8 <- function(text) switch(Encoding(text), latin1 = enc2utf8(text), unknown = from_locale(text), text)

# By iconv, because enc2utf8 of R 4.2 writes bytes that are not text as "<ff>". Bytes that mean nothing in the locale
# are left as they are: the C locale has no letters beyond ASCII, and scripts are written in UTF-8.
from_locale <- function(name) {
  converted <- iconv(name, "", "UTF-8")
  if (is.na(converted)) name else converted
}

refuse_reserved <- function(quoted) {
  message <- " has a reserved name that algo-run writes itself; choose another name"
  refuse("reserved_name", paste0("metric ", quoted, message))
}

value_text <- function(quoted, value) {
  text <- number_text(value)
  if (is.null(text)) {
    kind <- if (is.atomic(value) && length(value) == 1 && !inherits(value, "factor") && is.na(value)) "NA"
            else paste(class(value)[[1]], "of length", length(value))
    message <- " is not a number but "
    refuse("not_a_number", paste0("metric ", quoted, message, kind, "; report one integer or numeric"))
  }
  text
}

# In printable ASCII alone: the same bytes in every binding.
escaped <- function(points) {
  written <- vapply(points, function(point) {
    known <- match(point, c(0x22, 0x5c, 0x08, 0x09, 0x0a, 0x0c, 0x0d))
    if (!is.na(known)) return(c("\\\"", "\\\\", "\\b", "\\t", "\\n", "\\f", "\\r")[[known]])
    if (point >= 0x20 && point < 0x7f) return(intToUtf8(point))
    if (point <= 0xffff) return(sprintf("\\u%04x", point))
    beyond <- point - 0x10000
    sprintf("\\u%04x\\u%04x", 0xd800L + as.integer(beyond %/% 0x400), 0xdc00L + as.integer(beyond %% 0x400))
  }, character(1))
  paste0('"', paste(written, collapse = ""), '"')
}
