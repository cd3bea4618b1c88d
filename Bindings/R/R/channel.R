# SPDX-License-Identifier: Apache-2.0
# The only file that writes metrics: to the descriptor of ALGO_METRICS_FD, and stderr for ALGO_METRICS_ECHO.
#
# R cannot write to a descriptor by its number, so the first call opens /proc/self/fd/N again and keeps that open.
# Nothing here is an error for the state of a descriptor: telemetry does no harm.

channel <- new.env(parent = emptyenv())
channel$number <- NULL
channel$connection <- NULL

send_line <- function(line) {
  echo_line(line)
  write_line(shared_channel(), line)
}

echo_line <- function(line) {
  if (identical(Sys.getenv("ALGO_METRICS_ECHO"), "1")) quietly(cat(line, file = stderr()))
}

write_line <- function(connection, line) {
  if (is.null(connection)) return(invisible())
  quietly({
    writeBin(charToRaw(line), connection)
    # For a file; a pipe has no buffer here, so its one write is done.
    flush(connection)
  })
  invisible()
}

# The connection of ALGO_METRICS_FD, NULL if there is none.
shared_channel <- function() {
  number <- Sys.getenv("ALGO_METRICS_FD")
  if (!grepl("^[0-9]{1,9}$", number)) return(NULL)
  if (!identical(number, channel$number) || !is_still_ours(channel$connection)) {
    # A descriptor that could not be opened stays so: the number would soon belong to something else.
    if (identical(number, channel$number) && is.null(channel$connection)) return(NULL)
    quietly(if (is_still_ours(channel$connection)) close(channel$connection))
    channel$number <- number
    channel$connection <- open_channel(paste0("/proc/self/fd/", number), number)
  }
  channel$connection
}

# R numbers connections, so one that the program closed may by now be another one under the same number.
is_still_ours <- function(connection) {
  if (is.null(connection)) return(FALSE)
  found <- quietly(getConnection(as.integer(connection)))
  !is.null(found) && identical(attr(found, "conn_id"), attr(connection, "conn_id"))
}

open_channel <- function(path, number) {
  if (!identical(access_mode(number), "1")) return(NULL)
  # Without blocking first: a blocking open of a pipe whose reader is gone would wait for ever.
  refusal <- tryCatch({
    close(fifo(path, open = "wb", blocking = FALSE))
    NULL
  }, warning = conditionMessage, error = conditionMessage)
  if (is.null(refusal)) return(quietly(fifo(path, open = "wb", blocking = TRUE)))
  # R distinguishes a file or a device from a pipe only by this refusal, in the language of the user.
  if (!identical(refusal, gettextf("'%s' exists but is not a fifo", path, domain = "R"))) return(NULL)
  # raw, because R warns of a device otherwise, and would look into a file for a compression it may have.
  quietly(file(path, open = "ab", raw = TRUE))
}

# How a descriptor was opened: "0" for reading, "1" for writing, "2" for both; nothing if it is closed. A program may
# have been started with a variable but without the descriptor. Then the number belongs to whatever R opened next, and a
# line there would damage it.
access_mode <- function(number) {
  lines <- quietly(readLines(file.path("/proc/self/fdinfo", number)))
  flags <- sub("^flags:[[:space:]]*", "", grep("^flags:", lines, value = TRUE))
  # The last octal digit; its third bit is of another flag.
  as.character(strtoi(substring(flags, nchar(flags)), 8L) %% 4L)
}

# The value, or NULL if there was a condition of any kind but an interrupt.
quietly <- function(expression) {
  tryCatch(expression, error = function(condition) NULL, warning = function(condition) NULL)
}
