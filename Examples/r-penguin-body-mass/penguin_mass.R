# SPDX-License-Identifier: Apache-2.0
# Estimates the body mass of a penguin, for one request on stdin or, as a worker, for many.
#
# The model is a linear regression fitted at start from data/train.csv, with a 95 % prediction interval from the same
# fit. Only packages that come with R, and the binding `algorun`.

text_features <- list(
  species = c("Adelie", "Chinstrap", "Gentoo"),
  island = c("Biscoe", "Dream", "Torgersen"),
  sex = c("female", "male")
)
number_features <- c("bill_length_mm", "bill_depth_mm", "flipper_length_mm")

folder <- local({
  script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
  if (length(script) == 1) dirname(script) else "."
})

# A request that cannot be answered. Its class is the type of the error in the execution record.
refuse <- function(...) stop(errorCondition(paste0(...), class = "bad_request"))

read_penguins <- function(name) {
  table <- read.csv(file.path(folder, "data", name), stringsAsFactors = FALSE)
  for (feature in names(text_features)) {
    table[[feature]] <- factor(table[[feature]], levels = text_features[[feature]])
  }
  table
}

# R has no JSON reader of its own. This one takes exactly what a request may be, a flat object of texts without
# escapes and numbers, and nothing else: what is left after the members are taken away must be the braces and commas.
read_flat_object <- function(text) {
  number <- "-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
  member <- paste0("\"([^\"\\\\]*)\"\\s*:\\s*(\"[^\"\\\\]*\"|", number, ")")
  members <- regmatches(text, gregexpr(member, text, perl = TRUE))[[1]]
  left <- gsub("\\s+", "", gsub(member, "m", text, perl = TRUE), perl = TRUE)
  if (!grepl("^\\{(m(,m)*)?\\}$", left)) return(NULL)
  values <- sub(member, "\\2", members, perl = TRUE)
  names(values) <- sub(member, "\\1", members, perl = TRUE)
  as.list(values)
}

read_penguin <- function(text) {
  request <- if (is.character(text)) read_flat_object(text)
  if (is.null(request)) {
    refuse("the request is not a flat JSON object; send one with ",
           paste(c(names(text_features), number_features), collapse = ", "))
  }
  penguin <- list()
  for (feature in names(text_features)) {
    allowed <- text_features[[feature]]
    value <- request[[feature]]
    if (is.null(value) || !value %in% dQuote(allowed, FALSE)) {
      refuse(feature, " must be one of ", paste(dQuote(allowed, FALSE), collapse = ", "))
    }
    penguin[[feature]] <- factor(gsub("\"", "", value), levels = allowed)
  }
  for (feature in number_features) {
    value <- if (is.null(request[[feature]])) NA else suppressWarnings(as.numeric(request[[feature]]))
    if (is.na(value) || value <= 0 || value > 1000) {
      refuse(feature, " must be a number of millimetres between 0 and 1000")
    }
    penguin[[feature]] <- value
  }
  as.data.frame(penguin)
}

fit <- function(train) {
  lm(body_mass_g ~ species + island + sex + bill_length_mm + bill_depth_mm + flipper_length_mm, data = train)
}

# How wide the model's answer is, and how far this penguin is from those it was fitted on.
metrics <- function(model, train, penguin, estimate) {
  spread <- function(feature) c(mean(train[[feature]]), sd(train[[feature]]), range(train[[feature]]))
  training <- vapply(number_features, spread, numeric(4))
  measured <- unlist(penguin[number_features])
  drift <- abs(measured - training[1, ]) / training[2, ]
  combination <- with(train, paste(species, island, sex))
  list(
    body_mass_g = round(estimate[1, "fit"], 1),
    interval_width_g = round(estimate[1, "upr"] - estimate[1, "lwr"], 1),
    drift_mean_sd = round(mean(drift), 4),
    drift_max_sd = round(max(drift), 4),
    features_out_of_range = sum(measured < training[3, ] | measured > training[4, ]),
    similar_training_rows = sum(combination == with(penguin, paste(species, island, sex))),
    training_rows = nrow(train)
  )
}

measure_accuracy <- function(model) {
  held_out <- read_penguins("held-out.csv")
  answer <- predict(model, held_out, interval = "prediction", level = 0.95)
  error <- held_out$body_mass_g - answer[, "fit"]
  explained <- 1 - sum(error^2) / sum((held_out$body_mass_g - mean(held_out$body_mass_g))^2)
  inside <- held_out$body_mass_g >= answer[, "lwr"] & held_out$body_mass_g <= answer[, "upr"]
  cat(sprintf("held-out accuracy: mean absolute error %.0f g, R-squared %.3f, %d of %d within the 95 %% interval\n",
              mean(abs(error)), explained, sum(inside), nrow(held_out)))
}

train <- read_penguins("train.csv")
model <- fit(train)
if (identical(commandArgs(trailingOnly = TRUE), "--accuracy")) {
  measure_accuracy(model)
} else {
  answer <- function(text) {
    penguin <- read_penguin(text)
    estimate <- predict(model, penguin, interval = "prediction", level = 0.95)
    algorun::report(metrics(model, train, penguin, estimate))
    sprintf("{\"body_mass_g\": %.0f, \"interval_low_g\": %.0f, \"interval_high_g\": %.0f}\n",
            estimate[1, "fit"], estimate[1, "lwr"], estimate[1, "upr"])
  }
  tryCatch(algorun::serve(answer), bad_request = function(problem) {
    message("penguin_mass: ", conditionMessage(problem))
    quit(save = "no", status = 1)
  })
}
