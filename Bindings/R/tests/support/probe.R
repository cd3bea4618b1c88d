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
    late <- NULL
    report(loading = 1L)
    serve(function(input) {
      if (is.raw(input)) return(rev(input))
      switch(input,
        fail = stop("no cats"),
        numbers = return(1:2),
        warn = warning("watch out"),
        print = cat("printed\n"),
        leave = quit("no", status = 3),
        current = {
          request <- current()
          left <- if (is.null(request$deadline)) NULL else difftime(request$deadline, Sys.time(), units = "secs")
          deadline <- if (is.null(left)) "none" else if (left > 0 && left <= 90) "soon" else "wrong"
          return(paste(request$id, request$reference, deadline, request$traceparent, Sys.getenv("ALGO_WORKER", "unset")))
        },
        keep = late <<- current(),
        late = late$report(late = 1L))
      report(letters = nchar(input))
      paste0("<", input, ">")
    })
    stopifnot(is.null(current()))
  })
cat("alive\n")
