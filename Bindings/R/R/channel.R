# The only file that writes: the descriptor of ALGO_METRICS_FD, and stderr for ALGO_METRICS_ECHO.
#
# R cannot write to a descriptor by its number, so the first call opens /proc/self/fd/N again and keeps that open.
# Nothing here is an error for the state of a descriptor: telemetry does no harm.

channel <- new.env(parent = emptyenv())
channel$number <- NULL
channel$connection <- NULL

send_line <- function(line) {
  if (identical(Sys.getenv("ALGO_METRICS_ECHO"), "1")) quietly(cat(line, file = stderr()))
  number <- Sys.getenv("ALGO_METRICS_FD")
  if (!grepl("^[0-9]{1,9}$", number)) return(invisible())
  if (!identical(number, channel$number) || !is_still_ours(channel$connection)) {
    # A descriptor that could not be opened stays so: the number would soon belong to something else.
    if (identical(number, channel$number) && is.null(channel$connection)) return(invisible())
    quietly(if (is_still_ours(channel$connection)) close(channel$connection))
    channel$number <- number
    channel$connection <- open_channel(paste0("/proc/self/fd/", number), number)
  }
  if (!is.null(channel$connection)) {
    quietly({
      writeBin(charToRaw(line), channel$connection)
      # For a file; a pipe has no buffer here, so its one write is done.
      flush(channel$connection)
    })
  }
  invisible()
}

# R numbers connections, so one that the program closed may by now be another one under the same number.
is_still_ours <- function(connection) {
  if (is.null(connection)) return(FALSE)
  found <- quietly(getConnection(as.integer(connection)))
  !is.null(found) && identical(attr(found, "conn_id"), attr(connection, "conn_id"))
}

open_channel <- function(path, number) {
  if (!is_open_for_writing_only(number)) return(NULL)
  # Without blocking first: a blocking open of a pipe whose reader is gone would wait for ever.
  refusal <- tryCatch({
    close(fifo(path, open = "wb", blocking = FALSE))
    NULL
  }, warning = conditionMessage, error = conditionMessage)
  if (is.null(refusal)) return(quietly(fifo(path, open = "wb", blocking = TRUE)))
  # R tells a file or a device from a pipe only by this refusal, in the language of the user.
  if (!identical(refusal, gettextf("'%s' exists but is not a fifo", path, domain = "R"))) return(NULL)
  # raw, because R warns of a device otherwise, and would look into a file for a compression it may have.
  quietly(file(path, open = "ab", raw = TRUE))
}

# Whether the descriptor can be the one that a supervisor gave. A program may have been started with the variable but
# without the descriptor. Then the number belongs to whatever R opened next, and a line there would damage it.
is_open_for_writing_only <- function(number) {
  lines <- quietly(readLines(file.path("/proc/self/fdinfo", number)))
  flags <- sub("^flags:[[:space:]]*", "", grep("^flags:", lines, value = TRUE))
  length(flags) == 1 && substring(flags, nchar(flags)) %in% c("1", "5")
}

# The value, or NULL if there was a condition of any kind but an interrupt.
quietly <- function(expression) {
  tryCatch(expression, error = function(condition) NULL, warning = function(condition) NULL)
}
