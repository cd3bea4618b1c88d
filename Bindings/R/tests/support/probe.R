# SPDX-License-Identifier: Apache-2.0
# The algorithm that tests/channel.R starts: reports, and says on stdout what came of it.
library(algorun)
switch(commandArgs(TRUE)[[1]],
  thrice = {
    report(a = 1L)
    report(list(b = 2L))
    report(list(c = 3L), d = 0.5)
  },
  gone = {
    report(a = 1L)
    # Until the test has closed the reader.
    readLines(file("stdin"), 1)
    for (call in 1:3) report(b = 2L)
  },
  long = report(stats::setNames(list(1L), strrep("n", 60000))),
  closed = {
    report(a = 1L)
    closeAllConnections()
    # Takes the number of the connection that was just closed.
    other <- file(commandArgs(TRUE)[[2]], "wb")
    report(b = 2L)
    close(other)
  },
  forked = {
    report(parent = 1L)
    invisible(parallel::mclapply(1:4, function(child) for (call in 1:50) report(child = child), mc.cores = 4))
  },
  strict = {
    options(warn = 2)
    report(a = 1L)
  },
  serve = {
    kept <- NULL
    child <- NULL
    forked <- NULL
    # Reports in every way, and has the children of the request before report now.
    isolated <- function(number) {
      report(now = number)
      invisible(parallel::mclapply(1:2, function(child) report(forked = number), mc.cores = 2))
      current()$report(handle = number)
      if (!is.null(child)) {
        writeLines("go", child)
        close(child)
        cat("go\n", file = forked$gate)
        parallel::mccollect(forked$job)
        close(forked$gate)
      }
      child <<- pipe(sprintf("read line; echo '{\"late_child\":%d}' >&3", number), "w")
      ends <- tempfile()
      system2("mkfifo", ends)
      gate <- fifo(ends, "w+b", blocking = TRUE)
      unlink(ends)
      forked <<- list(gate = gate, job = parallel::mcparallel({
        readBin(gate, "raw", 3L)
        report(late_forked = number)
      }))
      ""
    }
    # As if all requests had one channel, whose lines belong to the request that runs: the child of the request before
    # writes to it now.
    running <- 0L
    late_writer <- NULL
    shared <- function(number) {
      running <<- running + 1L
      algorun:::write_line(algorun:::shared_channel(), sprintf("\036%d {\"now\":%d}\n", running, number))
      if (!is.null(late_writer)) {
        writeLines(as.character(running), late_writer)
        close(late_writer)
      }
      late_writer <<- pipe(sprintf("read number; printf '\\036%%s {\"late_child\":%d}\\n' $number >&3", number), "w")
      ""
    }
    if (is.na(Sys.getenv("ALGO_WORKER", NA))) report(loading = 1L)
    serve(function(input) {
      if (is.raw(input)) return(rev(input))
      if (startsWith(input, "isolated ")) return(isolated(as.integer(substring(input, 10))))
      if (startsWith(input, "shared ")) return(shared(as.integer(substring(input, 8))))
      switch(input,
        fail = stop("no cats\nat all"),
        numbers = return(1:2),
        warn = warning("watch out"),
        print = cat("printed\n"),
        leave = quit("no", status = 3),
        current = {
          request <- current()
          left <- if (is.null(request$deadline)) NULL else difftime(request$deadline, Sys.time(), units = "secs")
          deadline <- if (is.null(left)) "none" else if (left > 0 && left <= 90) "soon" else "wrong"
          return(paste(request$id, request$reference, deadline, request$traceparent))
        },
        keep = kept <<- current(),
        late = kept$report(late = 1L))
      report(letters = nchar(input))
      paste0("<", input, ">")
    })
    stopifnot(is.null(current()))
  })
cat("alive\n")
