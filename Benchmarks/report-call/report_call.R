# SPDX-License-Identifier: Apache-2.0
# Times report() from R, as one line: the language and nanoseconds a call.
library(algorun)

calls <- as.integer(commandArgs(TRUE)[[1]])
report(cats_detected = 24L, score = 0.93)
elapsed <- system.time(for (number in seq_len(calls)) report(cats_detected = number, score = 0.93))[["elapsed"]]
cat("r", round(elapsed * 1e9 / calls), "\n")
