# SPDX-License-Identifier: Apache-2.0
# The way of a line, and what can never happen because of it. Needs bash and strace.
library(algorun)

directory <- tempfile("algorun")
dir.create(directory)
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

# Runs shell text in which $PROBE is the probe and $D a directory; the lines of its stdout, and its exit status if bad.
run <- function(shell) {
  probe <- paste(file.path(R.home("bin"), "Rscript"), "--vanilla", file.path("support", "probe.R"))
  prologue <- sprintf("PROBE=%s D=%s; unset ALGO_METRICS_FD ALGO_METRICS_ECHO; ", shQuote(probe), shQuote(directory))
  as.vector(suppressWarnings(system2("bash", c("-c", shQuote(paste0(prologue, shell))), stdout = TRUE)))
}
path <- function(name) file.path(directory, name)
lines <- c('{"a":1}', '{"b":2}', '{"c":3,"d":0.5}')

same("a pipe receives one line a call",
  run("{ ALGO_METRICS_FD=3 $PROBE thrice 3>&1 >&4 | cat > $D/pipe; } 4>&1"), "alive")
same("a pipe receives one line a call", readLines(path("pipe")), lines)

same("one call is one write",
  run("{ ALGO_METRICS_FD=3 strace -f -e trace=write -o $D/trace $PROBE long 3>&1 >&4 | cat >/dev/null; } 4>&1"), "alive")
writes <- grep("nnnn", readLines(path("trace")), value = TRUE)
same("one call is one write", grepl(", 60007", writes, fixed = TRUE), TRUE)

same("without a supervisor nothing is printed", run("$PROBE thrice 2>&1"), "alive")
same("echo prints to stderr", run("ALGO_METRICS_ECHO=1 $PROBE thrice 2>&1 >/dev/null"), lines)
same("echo prints beside a supervisor",
  run("ALGO_METRICS_ECHO=1 ALGO_METRICS_FD=3 $PROBE thrice 3>$D/beside 2>&1 >/dev/null"), lines)
same("echo prints beside a supervisor", readLines(path("beside")), lines)

for (number in c("", "x", "-1", "+3", " 3", "3x", "999999", "99999999999999999999")) {
  same(paste0("ALGO_METRICS_FD='", number, "' is no supervisor"),
    run(sprintf("ALGO_METRICS_FD='%s' $PROBE thrice 3>$D/invalid 2>&1", number)), "alive")
  same("a number that means nothing writes nothing", file.size(path("invalid")), 0)
}

writeLines("before", path("file"))
same("a file opened by the shell receives the lines", run("ALGO_METRICS_FD=3 $PROBE thrice 3>>$D/file 2>&1"), "alive")
same("a file opened by the shell receives the lines", readLines(path("file")), c("before", lines))

for (access in c("3<", "3<>")) {
  writeLines("weights", path("model"))
  same("a file that is not for writing only is left alone",
    run(paste0("ALGO_METRICS_FD=3 $PROBE thrice ", access, "$D/model 2>&1")), "alive")
  same("a file that is not for writing only is left alone", readLines(path("model")), "weights")
}

same("a closed descriptor is no supervisor", run("ALGO_METRICS_FD=3 $PROBE thrice 3>&- 2>&1"), "alive")
same("a full disk loses the line and nothing else",
  run("ALGO_METRICS_FD=3 strace -f -e trace=write -o $D/full $PROBE thrice 3>/dev/full 2>&1"), "alive")
same("the disk was written to and was full", any(grepl("ENOSPC", readLines(path("full")))), TRUE)
same("a reader that was never there never hangs the program",
  run("mkfifo $D/gone; exec 4<>$D/gone 3>$D/gone 4>&-; ALGO_METRICS_FD=3 timeout 20 $PROBE thrice 2>&1"), "alive")
same("a reader that goes never ends the program", run(paste(
  "mkfifo $D/goes $D/go; exec 5<>$D/go;",
  "(ALGO_METRICS_FD=3 $PROBE gone 3>$D/goes <$D/go >$D/out 2>&1; echo $? >>$D/out) &",
  "head -c 8 $D/goes; echo go >&5; wait; cat $D/out")), c('{"a":1}', "alive", "0"))
same("warnings as errors change nothing", run("ALGO_METRICS_FD=3 $PROBE strict 3>/dev/full 2>&1"), "alive")

same("a connection that took the number of ours is left alone",
  run("ALGO_METRICS_FD=3 $PROBE closed $D/other 3>$D/lines 2>&1"), "alive")
same("a connection that took the number of ours is left alone", file.size(path("other")), 0)
same("a channel that the program closed is opened again", readLines(path("lines")), lines[1:2])

same("forked children report whole lines",
  run("{ ALGO_METRICS_FD=3 $PROBE forked 3>&1 >&4 | sort | uniq -c >$D/forked; } 4>&1"), "alive")
same("forked children report whole lines", trimws(readLines(path("forked"))),
  c(paste0('50 {"child":', 1:4, "}"), '1 {"parent":1}'))

cat("channel: ", passed, " passed, ", failed, " failed\n", sep = "")
unlink(directory, recursive = TRUE)
if (failed) quit("no", status = 1)
