# SPDX-License-Identifier: Apache-2.0
# A program that calls serve(): as a worker, whose requests and answers go through pipes, and on its own.
# Needs bash.
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
  probe <- paste(file.path(R.home("bin"), "Rscript"), "--vanilla", file.path("support", "probe.R"), "serve")
  prologue <- sprintf("PROBE=%s D=%s; unset ALGO_METRICS_FD ALGO_METRICS_ECHO ALGO_WORKER; ",
                      shQuote(probe), shQuote(directory))
  as.vector(suppressWarnings(system2("bash", c("-c", shQuote(paste0(prologue, shell))), stdout = TRUE)))
}
path <- function(name) file.path(directory, name)

# The bytes of a request without a path for metrics, and with further keys.
request <- function(number, body, metrics = "-", keys = "timeout=0") {
  if (is.character(body)) body <- charToRaw(body)
  c(charToRaw(sprintf("run %d %d id=r%d metrics=%s %s\n", number, length(body), number, metrics, keys)), body)
}

# Starts the probe as a worker that finds these requests; its answers without `ready`, what came through descriptor 3,
# and what it printed.
worker <- function(..., before = "", after = "") {
  writeBin(c(...), path("requests"))
  status <- run(paste0(before, "{ cat $D/requests | ALGO_WORKER=1:4:5:6 ALGO_METRICS_FD=3 ALGO_OWNER=a ALGO_NAME=b ",
    "ALGO_VERSION=1.2.3 $PROBE 4<&0 5>&1 3>&7 0</dev/null >$D/printed 2>$D/stderr | cat >$D/answers; ",
    "} 7>&1 | cat >$D/metrics; ", after))
  answers <- readBin(path("answers"), "raw", 1e6)
  ready <- match(as.raw(10), answers)
  list(ready = rawToChar(answers[seq_len(ready)]), answers = rawToChar(answers[-seq_len(ready)]),
       metrics = readLines(path("metrics")), printed = readLines(path("printed")), stderr = readLines(path("stderr")),
       status = status)
}

found <- worker(request(1, "cat"), request(2, ""), request(3, "fail"), request(4, "dog"), request(5, as.raw(c(255, 1))))
same("a worker is ready in protocol 1", sub("binding=[0-9.]+", "binding=V", found$ready),
  paste0("ready 1 0 language=r/", getRversion(), " binding=V descriptors=path\n"))
parts <- strsplit(found$answers, "\n", fixed = TRUE, useBytes = TRUE)[[1]]
same("each request has its answer, in order", parts[1:2], c("done 1 5", "<cat>done 2 2"))
same("a condition is an answer, with its class", sub("[0-9]+ type", "N type", parts[3]), "<>fail 3 N type=simpleError")
same("a condition is an answer, with its message first", parts[4], "no cats at all")
same("the calls that led to it follow", any(grepl("stop(\"no cats", parts, fixed = TRUE, useBytes = TRUE)), TRUE)
same("what is not UTF-8 is raw, and so may be the result",
  endsWith(found$answers, rawToChar(c(charToRaw("done 5 2\n"), as.raw(c(1, 255))))), TRUE)
same("metrics carry the number of their request where it has no path", found$metrics,
  c("\0361 {\"letters\":3}", "\0362 {\"letters\":0}", "\0364 {\"letters\":3}"))
same("the end of the requests ends serve()", found$printed, "alive")

found <- worker(request(1, "cat", "/proc/self/fd/999999"))
same("a path that cannot be opened is no loss", found$metrics, "\0361 {\"letters\":3}")
found <- worker(request(1, "cat", path("own")), request(2, "cats", path("own")),
  before = "mkfifo $D/own; exec 8<>$D/own; ", after = "head -n 2 <&8 >$D/lines")
same("metrics go to the path of their request", found$metrics, character(0))
same("metrics go to the path of their request", readLines(path("lines")), c("{\"letters\":3}", "{\"letters\":4}"))

found <- worker(request(1, "current", keys = "timeout=90000 traceparent=00-ab-cd-01"), request(2, "current"))
same("current() is the request", found$answers,
  "done 1 29\nr1 a/b/1.2.3 soon 00-ab-cd-01done 2 18\nr2 a/b/1.2.3 none ")

found <- worker(request(1, "keep"), request(2, "late"), request(3, "late"))
same("a late report keeps the number of its own request", grep("late", found$metrics, value = TRUE),
  rep("\0361 {\"late\":1}", 2))
same("a late report is said once", sum(grepl("late_report", found$stderr)), 1L)

found <- worker(request(1, "print"), request(2, "warn"), request(3, "numbers"))
same("what apply prints goes to stdout", found$printed, c("printed", "alive"))
same("a warning comes with its request", any(grepl("watch out", found$stderr)), TRUE)
same("a result that is neither a string nor raw is a failure",
  grepl("apply() returned integer of length 2; return one string or raw", found$answers, fixed = TRUE), TRUE)
found <- worker(request(1, "leave"))
same("quit() ends the worker", found$answers, "")

found <- worker(request(1, "cat"), charToRaw("run 2 "))
same("a stream that ends within a frame is an error", any(grepl("ended within a frame", found$stderr)), TRUE)
large <- worker(request(1, strrep("x", 300000)))
same("a body may be larger than a pipe", nchar(large$answers), nchar("done 1 300002\n") + 300002L)

same("on its own it answers stdin on stdout, as it is", run("printf cat | $PROBE 2>&1"), "<cat>alive")
same("on its own it reports to descriptor 3, without a number",
  run("printf cat | ALGO_METRICS_FD=3 $PROBE 3>$D/cold >/dev/null; cat $D/cold"), c("{\"loading\":1}", "{\"letters\":3}"))
same("on its own it knows its request from the environment",
  run("printf current | ALGO_REQUEST_ID=q ALGO_OWNER=a ALGO_NAME=b ALGO_VERSION=1.2.3 TRACEPARENT=00-1 $PROBE"),
  "q a/b/1.2.3 none 00-1alive")
same("on its own a condition ends it", run("printf fail | $PROBE >$D/cold 2>&1; echo $?; grep -c 'no cats' $D/cold"), c("1", "1"))
same("on its own raw bytes are raw bytes", run("printf '\\377\\0\\n' | $PROBE | od -An -tx1 | head -c 9"), " 0a 00 ff")
same("text is UTF-8 in any locale", run("printf 'caf\\303\\251' | LC_ALL=C $PROBE | od -An -tx1 | head -c 21"),
  " 3c 63 61 66 c3 a9 3e")
same("an offer without its pipes is none", run("printf cat | ALGO_WORKER=1:4:5:6 $PROBE 2>&1"), "<cat>alive")
same("what is no offer is refused",
  run("printf cat | ALGO_WORKER=yes $PROBE 2>&1 | grep -c 'ALGO_WORKER is \"yes\"'"), "1")

cat("serve: ", passed, " passed, ", failed, " failed\n", sep = "")
unlink(directory, recursive = TRUE)
if (failed) quit("no", status = 1)
