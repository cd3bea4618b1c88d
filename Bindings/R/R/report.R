# SPDX-License-Identifier: Apache-2.0
# The calls of an algorithm. Everything is checked before a byte is sent: a call is sent whole or not at all.

report <- function(...) report_to(serving$request, list(...))

# `request` is NULL outside of serve().
report_to <- function(request, arguments) {
  line <- metric_line(gather_metrics(arguments))
  if (!is.null(line)) if (is.null(request)) send_line(line) else send_to_request(request, line)
  invisible(NULL)
}

# Named arguments are metrics; arguments without a name are lists of them. A name that comes again keeps its first
# place and takes the last value, as it does over many calls.
gather_metrics <- function(arguments) {
  metrics <- list()
  argument_names <- names_of(arguments)
  for (index in seq_along(arguments)) {
    if (nzchar(argument_names[[index]], keepNA = FALSE)) {
      metrics <- put_metric(metrics, argument_names[[index]], arguments[[index]])
      next
    }
    group <- arguments[[index]]
    if (!is.null(group) && !is.list(group) && is.null(names(group))) {
      refuse("not_a_number", "report() takes named metrics or a list of them; write report(name = value)")
    }
    group_names <- names_of(group)
    for (member in seq_along(group)) metrics <- put_metric(metrics, group_names[[member]], group[[member]])
  }
  metrics
}

# A list of pairs and not a named list, because R takes the empty name for no name.
put_metric <- function(metrics, name, value) {
  known <- which(vapply(metrics, function(metric) identical(metric$name, name), logical(1)))
  place <- if (length(known)) known[[1]] else length(metrics) + 1L
  metrics[[place]] <- list(name = name, value = value)
  metrics
}

names_of <- function(values) {
  found <- names(values)
  if (is.null(found)) rep("", length(values)) else found
}

# The usual condition of R, with a class for each kind of mistake.
refuse <- function(kind, message) {
  stop(errorCondition(message, class = c(paste0("algorun_", kind), "algorun_error"), call = quote(algorun::report())))
}
