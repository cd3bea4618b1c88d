# SPDX-License-Identifier: Apache-2.0
# Reads the shared vectors: one vector a line, JSON of objects, lists and strings. A half surrogate pair becomes the
# bytes that are not valid UTF-8, because an R string cannot hold it otherwise.

read_vectors <- function(file) {
  lines <- grep('^    \\{"promise"', readLines(file, encoding = "UTF-8"), value = TRUE)
  left <- grepl('"r": "', lines, fixed = TRUE)
  list(vectors = lapply(lines[!left], read_json), left = sum(left))
}

read_json <- function(text) {
  characters <- strsplit(text, "")[[1]]
  at <- 1L
  peek <- function() {
    while (characters[[at]] %in% c(" ", "\t")) at <<- at + 1L
    characters[[at]]
  }
  take <- function() {
    found <- peek()
    at <<- at + 1L
    found
  }
  string <- function() {
    units <- integer()
    repeat {
      character <- characters[[at]]
      at <<- at + 1L
      if (character == '"') return(from_utf16(units))
      if (character != "\\") {
        units <- c(units, utf8ToInt(character))
        next
      }
      escape <- characters[[at]]
      at <<- at + 1L
      if (escape == "u") {
        units <- c(units, strtoi(paste(characters[at:(at + 3L)], collapse = ""), 16L))
        at <<- at + 4L
      } else {
        known <- c(b = 8L, f = 12L, n = 10L, r = 13L, t = 9L)
        units <- c(units, if (escape %in% names(known)) known[[escape]] else utf8ToInt(escape))
      }
    }
  }
  value <- function() {
    first <- take()
    if (first == '"') return(string())
    found <- list()
    while (!peek() %in% c("}", "]")) {
      if (first == "{") {
        take()
        name <- string()
        take()
        found[[name]] <- value()
      } else {
        found[[length(found) + 1L]] <- value()
      }
      if (peek() == ",") take()
    }
    take()
    found
  }
  value()
}

from_utf16 <- function(units) {
  bytes <- raw()
  index <- 1L
  while (index <= length(units)) {
    unit <- units[[index]]
    follower <- if (index < length(units)) units[[index + 1L]] else 0L
    if (unit >= 0xd800 && unit <= 0xdbff && follower >= 0xdc00 && follower <= 0xdfff) {
      bytes <- c(bytes, charToRaw(intToUtf8((unit - 0xd800) * 0x400 + (follower - 0xdc00) + 0x10000)))
      index <- index + 2L
      next
    }
    if (unit >= 0xd800 && unit <= 0xdfff) {
      bytes <- c(bytes, as.raw(c(0xe0 + unit %/% 4096, 0x80 + (unit %/% 64) %% 64, 0x80 + unit %% 64)))
    } else {
      bytes <- c(bytes, charToRaw(intToUtf8(unit)))
    }
    index <- index + 1L
  }
  text <- rawToChar(bytes)
  Encoding(text) <- "UTF-8"
  text
}

# A value of R for a type and text of a vector.
vector_value <- function(type, text) {
  switch(type,
    int = integer_value(text),
    double = as.numeric(text),
    nan = NaN,
    inf = Inf,
    "-inf" = -Inf,
    bool = text == "true",
    string = text,
    null = NULL,
    list = list(1, 2),
    stop("a type that this test does not know: ", type))
}

integer_value <- function(text) {
  if (abs(as.numeric(text)) <= .Machine$integer.max) return(as.integer(text))
  # An integer64 as package bit64 makes it: the 64 bits in the place of a double's.
  negative <- startsWith(text, "-")
  digits <- as.integer(strsplit(sub("-", "", text), "")[[1]])
  bits <- integer()
  while (length(digits)) {
    remainder <- 0L
    quotient <- integer()
    for (digit in digits) {
      current <- remainder * 10L + digit
      quotient <- c(quotient, current %/% 256L)
      remainder <- current %% 256L
    }
    bits <- c(remainder, bits)
    digits <- quotient[cumsum(quotient) > 0]
  }
  bytes <- c(rep(0L, 8 - length(bits)), bits)
  if (negative) {
    bytes <- 255L - bytes
    for (index in 8:1) {
      bytes[[index]] <- bytes[[index]] + 1L
      if (bytes[[index]] < 256L) break
      bytes[[index]] <- 0L
    }
  }
  structure(readBin(as.raw(bytes), "double", endian = "big"), class = "integer64")
}
