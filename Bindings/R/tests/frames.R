# SPDX-License-Identifier: Apache-2.0
# The frames that all bindings and the supervisor share.
source(file.path("support", "vectors.R"))

shared <- read_vectors(file.path("support", "worker-frames.json"))$vectors
failed <- 0
passed <- 0

same <- function(promise, found, expected) {
  if (identical(found, expected)) {
    passed <<- passed + 1
  } else {
    failed <<- failed + 1
    cat("failed: ", promise, ": ", deparse(found), " for ", deparse(expected), "\n", sep = "")
  }
}

from_hex <- function(digits) {
  if (!nzchar(digits)) return(raw())
  first <- seq(1, nchar(digits), by = 2)
  as.raw(strtoi(substring(digits, first, first + 1), 16L))
}

read_all <- function(bytes) {
  connection <- rawConnection(bytes)
  on.exit(close(connection))
  next_frame <- algorun:::frame_reader(connection)
  frames <- list()
  kind <- tryCatch({
    while (!is.null(frame <- next_frame())) frames[[length(frames) + 1L]] <- frame
    NULL
  }, algorun_malformed = function(condition) "malformed", algorun_truncated = function(condition) "truncated")
  list(frames = frames, error = kind)
}

for (vector in shared) {
  if (!is.null(vector$offer)) {
    read <- tryCatch(algorun:::read_offer(vector$offer), error = function(condition) NULL)
    expected <- if (is.null(vector$error)) list(requests = vector$requests, answers = vector$answers)
    same(vector$promise, read, expected)
  } else if (vector$direction == "to_worker") {
    read <- read_all(from_hex(vector$stream))
    same(vector$promise, read$error, vector$error)
    same(vector$promise, length(read$frames), length(vector$reading))
    for (index in seq_along(read$frames)) {
      frame <- read$frames[[index]]
      expected <- vector$reading[[index]]
      same(vector$promise, c(frame$verb, frame$number), c(expected$verb, expected$number))
      same(vector$promise, frame$body, from_hex(expected$body))
      same(vector$promise, unlist(frame$keys), unlist(expected$keys))
    }
  } else if (identical(vector$canonical, "yes")) {
    written <- lapply(vector$reading, function(frame) {
      algorun:::frame_bytes(frame$verb, frame$number, from_hex(frame$body), frame$keys)
    })
    same(vector$promise, unlist(written), from_hex(vector$stream))
  }
}
stopifnot(passed >= 100)
cat("frames: ", passed, " passed, ", failed, " failed\n", sep = "")
if (failed) quit("no", status = 1)
