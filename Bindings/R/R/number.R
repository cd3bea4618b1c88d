# SPDX-License-Identifier: Apache-2.0
# The text of a number, the same in every binding.

# NULL for what is not one number: a logical, a string, NA, a factor, a date, a vector.
number_text <- function(value) {
  if (length(value) != 1 || !is.atomic(value)) return(NULL)
  if (inherits(value, "integer64")) return(integer64_text(value))
  if (!is.numeric(value) || (is.na(value) && !is.nan(value))) return(NULL)
  value <- as.vector(unclass(value))
  if (is.integer(value)) return(sprintf("%d", value))
  double_text(value)
}

# The class of package bit64: 64 bits in the place of a double's. NULL for its NA, the smallest value.
integer64_text <- function(value) {
  bytes <- as.integer(writeBin(as.vector(unclass(value)), raw(), endian = "big"))
  negative <- bytes[[1]] >= 128L
  if (negative) {
    if (bytes[[1]] == 128L && !any(bytes[-1])) return(NULL)
    bytes <- 255L - bytes
  }
  # Two limbs of seven decimal digits hold exactly what a double would round; the third holds the rest.
  limbs <- c(0, 0, 0)
  carry <- as.numeric(negative)
  for (index in seq_along(bytes)) {
    last <- index == length(bytes)
    limbs <- limbs * 256
    limbs[[1]] <- limbs[[1]] + bytes[[index]] + if (last) carry else 0
    for (limb in 1:2) {
      limbs[[limb + 1]] <- limbs[[limb + 1]] + limbs[[limb]] %/% 1e7
      limbs[[limb]] <- limbs[[limb]] %% 1e7
    }
  }
  digits <- sub("^0+(?=[0-9])", "", sprintf("%.0f%07.0f%07.0f", limbs[[3]], limbs[[2]], limbs[[1]]), perl = TRUE)
  paste0(if (negative) "-" else "", digits)
}

# The fewest digits that read back as the same double and, among those, the nearest.
double_text <- function(value) {
  if (is.nan(value)) return("NaN")
  if (is.infinite(value)) return(if (value > 0) "Infinity" else "-Infinity")
  sign <- if (value < 0 || (value == 0 && 1 / value < 0)) "-" else ""
  if (value == 0) return(paste0(sign, "0.0"))
  found <- shortest_digits(abs(value))
  paste0(sign, lay_out(sub("0+$", "", found$digits), found$exponent))
}

# R reads decimal text with an error in the last place, so reading back would prove nothing. Instead this compares,
# in units of the last digit kept, how far the text is from the value with how far it may be: half the way to the
# value's neighbour on that side.
shortest_digits <- function(magnitude) {
  quick <- fifteen_digits(magnitude)
  if (!is.null(quick)) return(quick)
  parts <- strsplit(sprintf("%.39e", magnitude), "e", fixed = TRUE)[[1]]
  digits <- sub(".", "", parts[[1]], fixed = TRUE)
  exponent <- as.integer(parts[[2]])
  spacing <- spacing_at(magnitude)
  # Any decimal of 15 digits survives the way to a normal double and back; below those there is no such promise.
  for (count in (if (magnitude < .Machine$double.xmin) 1:17 else 15:17)) {
    below <- substr(digits, 1, count)
    rest <- as.numeric(paste0("0.", substr(digits, count + 1, 40)))
    unit <- 10^(exponent - count + 1L - spacing$exponent)
    below_holds <- reaches(rest, spacing$below / unit / 2, spacing$even)
    above_holds <- reaches(1 - rest, spacing$above / unit / 2, spacing$even)
    if (!below_holds && !above_holds) next
    below_is_nearer <- rest < 0.5 || (rest == 0.5 && is_even(below))
    if (below_holds && (below_is_nearer || !above_holds)) return(list(digits = below, exponent = exponent))
    return(one_more(below, exponent))
  }
  list(digits = substr(digits, 1, 17), exponent = exponent)
}

# For most values that people write: 15 digits and a power of ten are both exact doubles, so one division or
# multiplication is rounded once, and finding the value again proves that they read back.
fifteen_digits <- function(magnitude) {
  parts <- strsplit(sprintf("%.14e", magnitude), "e", fixed = TRUE)[[1]]
  digits <- sub(".", "", parts[[1]], fixed = TRUE)
  exponent <- as.integer(parts[[2]])
  power <- 14L - exponent
  if (abs(power) > 22L) return(NULL)
  units <- as.numeric(digits)
  again <- if (power >= 0L) units / 10^power else units * 10^-power
  if (again == magnitude) list(digits = digits, exponent = exponent)
}

# A text on the very border belongs to the neighbour whose last bit is 0.
reaches <- function(distance, allowed, even) {
  if (abs(distance - allowed) <= 1e-12 * allowed) even else distance < allowed
}

is_even <- function(digits) as.integer(substring(digits, nchar(digits))) %% 2L == 0L

# The distance to the neighbours of a double, in units of 10^exponent, and whether its last bit is 0.
spacing_at <- function(magnitude) {
  hexadecimal <- sprintf("%a", magnitude)
  fraction <- sub("^0x[01]\\.?([0-9a-f]*)p.*$", "\\1", hexadecimal)
  normal <- magnitude >= .Machine$double.xmin
  power <- if (normal) as.integer(sub("^.*p", "", hexadecimal)) - 52L else -1074L
  last <- if (nchar(fraction) < 13) 0L else strtoi(substring(fraction, 13), 16L)
  # 2^power may be the smallest double of all, with one bit; its decimal parts are exact enough for a ratio.
  parts <- strsplit(sprintf("%.17e", 2^power), "e", fixed = TRUE)[[1]]
  above <- as.numeric(parts[[1]])
  # Below a power of two doubles lie twice as dense.
  dense <- normal && magnitude > .Machine$double.xmin && !nzchar(gsub("0", "", fraction))
  list(below = if (dense) above / 2 else above, above = above, exponent = as.integer(parts[[2]]), even = last %% 2 == 0)
}

# The digits counted up by one in the last place.
one_more <- function(digits, exponent) {
  nines <- nchar(digits) - nchar(sub("9+$", "", digits))
  if (nines == nchar(digits)) return(list(digits = "1", exponent = exponent + 1L))
  head <- substr(digits, 1, nchar(digits) - nines)
  last <- as.integer(substring(head, nchar(head))) + 1L
  list(digits = paste0(substr(head, 1, nchar(head) - 1), last), exponent = exponent)
}

# Positional with at least one digit after the point from 1e-4 to below 1e16, else d.ddde+XX.
lay_out <- function(digits, exponent) {
  if (exponent >= -4 && exponent < 0) return(paste0("0.", strrep("0", -exponent - 1), digits))
  whole <- exponent + 1
  if (exponent >= 0 && exponent < 16) {
    if (nchar(digits) <= whole) return(paste0(digits, strrep("0", whole - nchar(digits)), ".0"))
    return(paste0(substr(digits, 1, whole), ".", substring(digits, whole + 1)))
  }
  fraction <- if (nchar(digits) > 1) paste0(".", substring(digits, 2)) else ""
  sprintf("%s%se%s%02d", substr(digits, 1, 1), fraction, if (exponent < 0) "-" else "+", abs(exponent))
}
