# SPDX-License-Identifier: Apache-2.0
# The calls that all bindings share, and the exact bytes of each.
library(algorun)
source(file.path("support", "vectors.R"))

shared <- read_vectors(file.path("support", "binding-calls.json"))

# A list and not named arguments, so that any name can be passed. NULL stays a member.
call_of <- function(vector) {
  metrics <- lapply(vector$call, function(metric) vector_value(metric$type, metric$text))
  names(metrics) <- vapply(vector$call, function(metric) metric$name, "")
  metrics
}

if (Sys.getenv("ALGO_RUN_PROBE") == "1") {
  # The child: makes every call, and says on stdout what came of each.
  for (vector in shared$vectors) {
    outcome <- tryCatch({
      report(call_of(vector))
      "sent"
    }, algorun_error = function(mistake) paste(class(mistake)[[1]], conditionMessage(mistake)))
    cat(outcome, "\n", sep = "")
  }
  quit("no")
}

stopifnot(length(shared$vectors) >= 90, shared$left <= 30)
rscript <- file.path(R.home("bin"), "Rscript")
lines_file <- tempfile()
Sys.setenv(ALGO_RUN_PROBE = "1")
# stdout is a pipe to this process; descriptor 3 is a pipe to cat.
outcomes <- system2("bash", c("-c", shQuote(sprintf(
  "{ ALGO_METRICS_FD=3 %s --vanilla vectors.R 3>&1 >&4 | cat > %s; } 4>&1", rscript, lines_file))), stdout = TRUE)
written <- readLines(lines_file)

failed <- 0
fail <- function(...) {
  failed <<- failed + 1
  cat("failed: ", ..., "\n", sep = "")
}
if (length(outcomes) != length(shared$vectors)) fail("the probe ended early")
for (index in seq_along(shared$vectors)) {
  vector <- shared$vectors[[index]]
  outcome <- outcomes[[index]]
  if (is.null(vector$error)) {
    if (outcome != "sent") fail(vector$promise, ": ", outcome)
    if (nzchar(vector$bytes)) {
      expected <- sub("\n$", "", vector$bytes)
      if (!identical(written[1], expected)) fail(vector$promise, ": ", written[1], " for ", expected)
      written <- written[-1]
    }
  } else {
    quoted <- if (vector$error == "invalid_name") "" else paste0(algorun:::escaped(utf8ToInt(vector$metric)), " ")
    start <- paste0("algorun_", vector$error, " metric ", quoted)
    if (!startsWith(outcome, start)) fail(vector$promise, ": ", outcome)
  }
}
if (length(written)) fail("more was written than reported: ", written[[1]])
cat("vectors: ", length(shared$vectors) - failed, " passed, ", failed, " failed; ", shared$left,
    " that R cannot express\n", sep = "")
if (failed) quit("no", status = 1)
