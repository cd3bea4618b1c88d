# SPDX-License-Identifier: Apache-2.0
# One request of a worker, from its frame to its answer, and the path of its metrics.

serving <- new.env(parent = emptyenv())
serving$request <- NULL
serving$warned <- FALSE

begin_request <- function(frame) {
  keys <- frame$keys
  request <- new.env(parent = emptyenv())
  request$number <- frame$number
  request$open <- TRUE
  # Each request has a pipe of its own. Where it cannot be opened, as in a sandbox, lines with a number go to the pipe
  # that all requests share.
  if (startsWith(c(keys$metrics, "")[[1]], "/")) {
    request$channel <- quietly(fifo(keys$metrics, open = "wb", blocking = TRUE))
  }
  milliseconds <- quietly(as.numeric(keys$timeout))
  request$id <- keys$id
  request$reference <- reference_of_version()
  request$deadline <- if (length(milliseconds) && milliseconds > 0) Sys.time() + milliseconds / 1000
  request$traceparent <- keys$traceparent
  serving$request <- request
}

# Before the answer, so that nothing that comes later can be taken for the next request's.
end_request <- function(request) {
  request$open <- FALSE
  if (!is.null(request$channel)) quietly(close(request$channel))
  request$channel <- NULL
  serving$request <- NULL
}

# The request of a program that runs without a supervisor of workers. Its number is NULL: its lines are plain ones.
cold_request <- function() {
  request <- new.env(parent = emptyenv())
  request$open <- TRUE
  request$id <- variable("ALGO_REQUEST_ID")
  request$reference <- reference_of_version()
  request$traceparent <- variable("TRACEPARENT")
  request
}

reference_of_version <- function() {
  parts <- c(variable("ALGO_OWNER"), variable("ALGO_NAME"), variable("ALGO_VERSION"))
  if (length(parts) == 3L) paste(parts, collapse = "/")
}

variable <- function(name) {
  value <- Sys.getenv(name, NA)
  if (!is.na(value) && nzchar(value)) value
}

# By the number the supervisor credits a line to its request, and counts one that comes after its answer as late.
send_to_request <- function(request, line) {
  if (is.null(request$number)) return(send_line(line))
  echo_line(line)
  if (request$open && !is.null(request$channel)) return(write_line(request$channel, line))
  if (!request$open && !serving$warned) {
    serving$warned <- TRUE
    message("algo-run: late_report: report() of a request that was answered; report before apply() returns")
  }
  write_line(shared_channel(), paste0("\036", request$number, " ", line))
}

current <- function() {
  request <- serving$request
  if (is.null(request)) return(NULL)
  list(id = request$id, reference = request$reference, deadline = request$deadline, traceparent = request$traceparent,
       report = function(...) report_to(request, list(...)))
}
