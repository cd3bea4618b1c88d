# SPDX-License-Identifier: Apache-2.0
"""Names the species of an iris from four measurements, for one request on stdin or, as a worker, for many.

The model is Gaussian naive Bayes, fitted at start from data/train.csv; that takes about a millisecond, less than
reading a stored model in any format would save. Only the standard library, and not much of it: an import that is not
needed is paid for by every execution.
"""

import math
import os
import sys

import algo_run

FOLDER = os.path.dirname(os.path.abspath(__file__))
FEATURES = ("sepal_length_cm", "sepal_width_cm", "petal_length_cm", "petal_width_cm")


class BadRequest(Exception):
    """The request cannot be answered; the message says what to change in it."""


class Column:
    """Mean, standard deviation and range of one feature over a set of training rows."""

    def __init__(self, values):
        self.mean = math.fsum(values) / len(values)
        self.sd = math.sqrt(math.fsum((v - self.mean) ** 2 for v in values) / (len(values) - 1))
        self.low, self.high = min(values), max(values)

    def log_density(self, value):
        return -0.5 * ((value - self.mean) / self.sd) ** 2 - math.log(self.sd)


class Model:
    def __init__(self, rows):
        """Fits one Gaussian for each species and feature; `rows` are (measurements, species) pairs."""
        self.overall = columns([row for row, _ in rows])
        self.species = {}
        for name in sorted({species for _, species in rows}):
            own = [row for row, species in rows if species == name]
            self.species[name] = (math.log(len(own) / len(rows)), columns(own))

    def probabilities(self, flower):
        """Species → probability, most probable first."""
        scores = {
            name: prior + math.fsum(column.log_density(value) for column, value in zip(per_feature, flower))
            for name, (prior, per_feature) in self.species.items()
        }
        best = max(scores.values())  # subtracted before exp, or a far-off flower underflows to 0/0
        weights = {name: math.exp(score - best) for name, score in scores.items()}
        total = math.fsum(weights.values())
        return {name: weights[name] / total for name in sorted(weights, key=weights.get, reverse=True)}


def columns(rows):
    return [Column(values) for values in zip(*rows)]


def read_csv(name):
    with open(os.path.join(FOLDER, "data", name)) as file:
        lines = file.read().split()
    cells = [line.split(",") for line in lines[1:]]
    return [([float(cell) for cell in row[:4]], row[4]) for row in cells]


def read_flower(request):
    if not isinstance(request, dict):
        raise BadRequest("the request is not a JSON object; send one with " + ", ".join(FEATURES))
    flower = []
    for name in FEATURES:
        value = request.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 100:
            raise BadRequest("{} must be a number of centimetres between 0 and 100".format(name))
        flower.append(float(value))
    return flower


def metrics(model, flower, probabilities):
    """Figures for a monitoring team: how sure the model is, and how far this flower is from its training."""
    ranked = list(probabilities.values())
    drift = [abs(value - column.mean) / column.sd for value, column in zip(flower, model.overall)]
    outside = sum(not column.low <= value <= column.high for value, column in zip(flower, model.overall))
    return {
        "confidence": round(ranked[0], 6),
        "confidence_margin": round(ranked[0] - ranked[1], 6),
        "class_count": len(ranked),
        "predicted_class": sorted(probabilities).index(next(iter(probabilities))),
        "drift_mean_sd": round(math.fsum(drift) / len(drift), 4),
        "drift_max_sd": round(max(drift), 4),
        "features_out_of_range": outside,
    }


def measure_accuracy(model):
    """Asks for every flower that was held out of training and counts the right answers."""
    held_out = read_csv("held-out.csv")
    right = sum(next(iter(model.probabilities(flower))) == species for flower, species in held_out)
    print("held-out accuracy: {} of {} ({:.1f} %)".format(right, len(held_out), 100 * right / len(held_out)))


def main():
    model = Model(read_csv("train.csv"))
    if sys.argv[1:] == ["--accuracy"]:
        return measure_accuracy(model)

    def apply(request):
        flower = read_flower(request)
        probabilities = model.probabilities(flower)
        algo_run.report(metrics(model, flower, probabilities))
        rounded = {name: round(p, 6) for name, p in probabilities.items()}
        return {"species": next(iter(rounded)), "probabilities": rounded}

    algo_run.serve(apply)


if __name__ == "__main__":
    try:
        main()
    except BadRequest as problem:
        sys.exit("iris: {}".format(problem))
