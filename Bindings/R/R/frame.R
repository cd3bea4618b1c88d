# SPDX-License-Identifier: Apache-2.0
# Frames of the worker protocol: `VERB NUMBER BYTES key=value…` and a newline, then that many bytes.
# docs/worker-protocol.md explains them.

header_limit <- 4096L

# Gives a function that returns the next frame of a connection, or NULL at the end of the stream. The connection must
# return what is there instead of waiting for all that was asked for.
frame_reader <- function(connection) {
  held <- raw()
  function() {
    repeat {
      end <- match(as.raw(10L), held, nomatch = 0L)
      if (end > 0L || length(held) >= header_limit) break
      piece <- readBin(connection, "raw", 65536L)
      if (!length(piece)) {
        if (length(held)) broken_stream("truncated")
        return(NULL)
      }
      held <<- c(held, piece)
    }
    if (end == 0L || end > header_limit) broken_stream("malformed")
    frame <- read_header(held[seq_len(end - 1L)])
    held <<- without(held, end)
    present <- min(length(held), frame$size)
    frame$body <- c(held[seq_len(present)], read_bytes(connection, frame$size - present))
    held <<- without(held, present)
    frame
  }
}

without <- function(bytes, count) if (count > 0L) bytes[-seq_len(count)] else bytes

read_bytes <- function(connection, count) {
  pieces <- list()
  while (count > 0) {
    piece <- readBin(connection, "raw", min(count, 1048576))
    if (!length(piece)) broken_stream("truncated")
    count <- count - length(piece)
    pieces[[length(pieces) + 1L]] <- piece
  }
  unlist(pieces)
}

# The verb is `run`: a supervisor sends nothing else.
read_header <- function(bytes) {
  codes <- as.integer(bytes)
  if (any(codes < 0x20L | codes > 0x7fL)) broken_stream("malformed")
  text <- rawToChar(bytes)
  if (!grepl("^run [0-9]{1,18} [0-9]{1,18}( [^ =]+=[^ ]*)*$", text, perl = TRUE)) broken_stream("malformed")
  if (grepl("%(?![0-9A-Fa-f]{2})", text, perl = TRUE)) broken_stream("malformed")
  fields <- strsplit(text, " ", fixed = TRUE)[[1]]
  members <- fields[-(1:3)]
  split <- regexpr("=", members, fixed = TRUE)
  keys <- lapply(substring(members, split + 1L), percent_decoded)
  names(keys) <- substr(members, 1L, split - 1L)
  # The number stays text: a double holds no 18 digits.
  list(verb = fields[[1]], number = fields[[2]], size = as.numeric(fields[[3]]), keys = keys)
}

frame_bytes <- function(verb, number, body = raw(), keys = list()) {
  members <- vapply(names(keys), function(key) paste0(" ", key, "=", percent_encoded(keys[[key]])), "")
  c(charToRaw(paste0(verb, " ", number, " ", length(body), paste(members, collapse = ""), "\n")), body)
}

percent_decoded <- function(text) {
  if (!grepl("%", text, fixed = TRUE)) return(text)
  pieces <- strsplit(text, "%", fixed = TRUE)[[1]]
  decoded <- lapply(pieces[-1], function(piece) {
    c(as.raw(strtoi(substr(piece, 1L, 2L), 16L)), charToRaw(substring(piece, 3L)))
  })
  bytes <- c(charToRaw(pieces[[1]]), unlist(decoded))
  text <- rawToChar(bytes[bytes != 0L])
  Encoding(text) <- "UTF-8"
  text
}

percent_encoded <- function(text) {
  codes <- as.integer(charToRaw(to_utf8(text)))
  plain <- codes > 0x20L & codes < 0x7fL & codes != 0x25L
  paste(ifelse(plain, strsplit(rawToChar(as.raw(ifelse(plain, codes, 0x3fL))), "")[[1]], sprintf("%%%02X", codes)),
        collapse = "")
}

broken_stream <- function(kind) {
  sentence <- c(malformed = "the supervisor sent what is no frame of protocol 1; use algo-run and algorun of one version",
                truncated = "the supervisor's stream ended within a frame; look for the cause in its messages")
  stop(errorCondition(sentence[[kind]], class = c(paste0("algorun_", kind), "algorun_error")))
}
