# SPDX-License-Identifier: Apache-2.0
# Which values are numbers, which calls are mistakes, and what the condition says. No supervisor: mistakes are found
# all the same.
library(algorun)
Sys.unsetenv(c("ALGO_METRICS_FD", "ALGO_METRICS_ECHO"))

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
line <- function(...) algorun:::metric_line(algorun:::gather_metrics(list(...)))
mistake <- function(...) {
  tryCatch({
    report(...)
    "no mistake"
  }, algorun_error = function(condition) paste(class(condition)[[1]], conditionMessage(condition)))
}

same("an integer and a numeric are written as what they are", line(i = 24L, d = 24), '{"i":24,"d":24.0}\n')
same("attributes change nothing", line(x = c(a = 1L), y = matrix(2L)), '{"x":1,"y":2}\n')
same("a list, a named vector and arguments are one line",
  line(list(a = 1L), c(b = 2L, c = 3L), d = 4L), '{"a":1,"b":2,"c":3,"d":4}\n')
same("a metric may have any name an argument can", line(metrics = 1L, line = 2L, ... = 3L), '{"metrics":1,"line":2,"...":3}\n')
same("a latin1 name is the same name in UTF-8",
  line(stats::setNames(list(1L), iconv("\u00e9", "UTF-8", "latin1"))), '{"\\u00e9":1}\n')
same("nothing writes nothing", list(line(), line(list()), line(NULL), report()), list(NULL, NULL, NULL, NULL))
same("the value of a call is invisible", withVisible(report(a = 1L))$visible, FALSE)

wrong <- list(TRUE, "0.5", NULL, NA, NA_integer_, NA_real_, NA_character_, 1:2, integer(), list(1), factor("a"), 1i,
  Sys.Date(), as.difftime(1, units = "secs"), as.raw(1), sum, quote(x),
  structure(readBin(as.raw(c(128, 0, 0, 0, 0, 0, 0, 0)), "double", endian = "big"), class = "integer64"))
for (value in wrong) {
  start <- 'algorun_not_a_number metric "x" is not a number but '
  same(paste("not a number:", class(value)[[1]]), startsWith(mistake(list(good = 1L, x = value)), start), TRUE)
}
same("a message says NA", grepl("but NA;", mistake(x = NA_real_), fixed = TRUE), TRUE)
same("values without names are a mistake", startsWith(mistake(1), "algorun_not_a_number"), TRUE)
same("an unnamed member has an empty name", startsWith(mistake(list(1)), 'algorun_empty_name metric ""'), TRUE)
same("an NA name is an empty name", startsWith(mistake(stats::setNames(list(1), NA)), "algorun_empty_name"), TRUE)
same("a reserved name is named", startsWith(mistake(timestamp = 1), 'algorun_reserved_name metric "timestamp" '), TRUE)
for (locale in c("C", "C.UTF-8")) {
  Sys.setlocale("LC_CTYPE", locale)
  same(paste("bytes that are no text are no name, in", locale),
    startsWith(mistake(stats::setNames(list(1), "a\xff")), "algorun_invalid_name metric \"a\\u00ff\" "), TRUE)
  same(paste("bytes without a mark are read as UTF-8, in", locale),
    line(stats::setNames(list(1L), rawToChar(as.raw(c(0xc3, 0xa9))))), '{"\\u00e9":1}\n')
}
same("a mistake is an ordinary error", inherits(try(report(a = TRUE), silent = TRUE), "try-error"), TRUE)

cat("numbers: ", passed, " passed, ", failed, " failed\n", sep = "")
if (failed) quit("no", status = 1)
