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
  })
cat("alive\n")
