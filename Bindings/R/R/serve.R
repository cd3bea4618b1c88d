# SPDX-License-Identifier: Apache-2.0
# The loop of a worker: a program that loads once and answers many requests.

serve <- function(apply) {
  offer <- Sys.getenv("ALGO_WORKER")
  # R looks at arguments late: where an error is expected and ignored this one would be too.
  descriptors <- if (nzchar(offer)) read_offer(offer)
  pipes <- if (!is.null(descriptors)) open_pipes(descriptors)
  if (is.null(pipes)) return(serve_once(apply))
  # Programs that this one starts are not workers.
  Sys.unsetenv("ALGO_WORKER")
  # A warning belongs to the request that caused it, not to the end of the program.
  previous <- options(warn = if (getOption("warn") == 0L) 1L else getOption("warn"))
  on.exit({
    options(previous)
    close(pipes$requests)
    close(pipes$answers)
  })

  writeBin(frame_bytes("ready", 1L, keys = list(
    language = paste0("r/", getRversion()), binding = getNamespaceVersion("algorun")[[1]], descriptors = "path")),
    pipes$answers)
  next_frame <- frame_reader(pipes$requests)
  while (!is.null(frame <- next_frame())) {
    request <- begin_request(frame)
    answer <- answer_of(apply, frame$body)
    end_request(request)
    flush(stdout())
    writeBin(frame_bytes(answer$verb, frame$number, answer$body, answer$keys), pipes$answers)
  }
  invisible(NULL)
}

# Without a supervisor of workers: stdin is one request, and its result goes to stdout.
serve_once <- function(apply) {
  input <- file("stdin", open = "rb")
  pieces <- list()
  while (length(piece <- readBin(input, "raw", 1048576L))) pieces[[length(pieces) + 1L]] <- piece
  close(input)
  serving$request <- cold_request()
  on.exit(serving$request <- NULL)
  result <- result_bytes(apply(text_or_raw(as.raw(unlist(pieces)))))
  if (any(result == 0L)) {
    # stdout() takes no zero bytes.
    flush(stdout())
    output <- file("/dev/stdout", open = "ab", raw = TRUE)
    on.exit(close(output), add = TRUE)
    writeBin(result, output)
  } else {
    writeLines(rawToChar(result), stdout(), sep = "", useBytes = TRUE)
  }
  invisible(NULL)
}

# ALGO_WORKER is VERSION:REQUESTS:ANSWERS:SOCKET, of which R cannot use the socket.
read_offer <- function(offer) {
  if (!grepl("^[1-9][0-9]{0,8}(:[0-9]{1,9}){3}(:.*)?$", offer)) {
    stop("ALGO_WORKER is ", dQuote(offer, FALSE), ", which is no offer of a supervisor; unset it to run without one",
         call. = FALSE)
  }
  fields <- strsplit(offer, ":", fixed = TRUE)[[1]]
  list(requests = fields[[2]], answers = fields[[3]])
}

# NULL when the descriptors are not there: the variable was inherited, the pipes were not.
open_pipes <- function(descriptors) {
  modes <- c(access_mode(descriptors$requests), access_mode(descriptors$answers))
  if (!identical(modes, c("0", "1"))) return(NULL)
  requests <- quietly(fifo(paste0("/proc/self/fd/", descriptors$requests), open = "rb", blocking = TRUE))
  answers <- quietly(fifo(paste0("/proc/self/fd/", descriptors$answers), open = "wb", blocking = TRUE))
  if (is.null(requests) || is.null(answers)) return(NULL)
  list(requests = requests, answers = answers)
}

answer_of <- function(apply, body) {
  depth <- sys.nframe()
  calls <- NULL
  tryCatch(
    withCallingHandlers(
      list(verb = "done", body = result_bytes(apply(text_or_raw(body)))),
      error = function(condition) calls <<- sys.calls()),
    error = function(condition) {
      list(verb = "fail", body = charToRaw(failure_text(condition, calls[-seq_len(depth)])),
           keys = list(type = class(condition)[[1]]))
    })
}

# The message as one line, then the calls that led to it, the outermost first.
failure_text <- function(condition, calls) {
  lines <- vapply(calls, function(call) substr(deparse(call, nlines = 1L)[[1]], 1L, 200L), "")
  # The handlers' own calls say nothing of the program.
  ours <- grepl("^(tryCatch|withCallingHandlers|doTryCatch|result_bytes|\\.handleSimpleError|h\\(|\\(function \\(condition)",
                lines)
  lines <- lines[!ours]
  if (length(lines) > 50L) lines <- c(lines[1:10], "...", lines[length(lines) - 38:0])
  message <- gsub("[\r\n]+", " ", conditionMessage(condition), useBytes = TRUE)
  to_utf8(paste0(c(message, if (length(lines)) paste0("  ", lines)), "\n", collapse = ""))
}

text_or_raw <- function(bytes) {
  if (any(bytes == 0L)) return(bytes)
  text <- rawToChar(bytes)
  Encoding(text) <- "UTF-8"
  if (validUTF8(text)) text else bytes
}

result_bytes <- function(result) {
  if (is.raw(result)) return(as.vector(result))
  if (is.character(result) && length(result) == 1L && !is.na(result)) return(charToRaw(to_utf8(result)))
  stop("apply() returned ", class(result)[[1]], " of length ", length(result), "; return one string or raw", call. = FALSE)
}
