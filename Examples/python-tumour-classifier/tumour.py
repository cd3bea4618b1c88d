# SPDX-License-Identifier: Apache-2.0
"""Judges a tumour from ten measurements of its cells with scikit-learn: for one request on stdin or, as a worker, for many.

To import scikit-learn and fit the forest takes a second or two, to answer takes milliseconds: a program to publish with
--worker.
"""

import json
import sys

import algo_run
import numpy
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

FEATURES = 10  # The means; the other twenty of the data set are their errors and their extremes.


class BadRequest(Exception):
    """The request cannot be answered; the message says what to change in it."""


class Model:
    def __init__(self):
        data = load_breast_cancer()
        self.names = [str(name).replace(" ", "_") for name in data.feature_names[:FEATURES]]
        self.classes = [str(name) for name in data.target_names]
        measurements = data.data[:, :FEATURES]
        held_out = numpy.arange(len(measurements)) % 4 == 3
        self.held_out = measurements[held_out], data.target[held_out]
        train = measurements[~held_out]
        self.mean, self.deviation = train.mean(axis=0), train.std(axis=0)
        self.low, self.high = train.min(axis=0), train.max(axis=0)
        self.forest = RandomForestClassifier(100, random_state=0).fit(train, data.target[~held_out])

    def measurements(self, request):
        if not isinstance(request, dict):
            raise BadRequest("the request is not a JSON object; send one with " + ", ".join(self.names))
        values = []
        for name in self.names:
            value = request.get(name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e6:
                raise BadRequest("{} must be a number from 0 to a million".format(name))
            values.append(float(value))
        return numpy.array(values)

    def answer(self, request):
        measured = self.measurements(request)
        # Each tree has a vote: a share of them is what the forest calls a probability.
        shares = self.forest.predict_proba(measured.reshape(1, -1))[0]
        best = int(shares.argmax())
        drift = abs(measured - self.mean) / self.deviation
        algo_run.report(
            confidence=round(float(shares[best]), 4),
            confidence_margin=round(float(abs(shares[0] - shares[1])), 4),
            class_count=len(self.classes),
            predicted_class=best,
            drift_mean_sd=round(float(drift.mean()), 4),
            drift_max_sd=round(float(drift.max()), 4),
            features_out_of_range=int(((measured < self.low) | (measured > self.high)).sum()),
        )
        return {"diagnosis": self.classes[best], "share_of_trees": round(float(shares[best]), 4)}

    def print_accuracy(self):
        measured, expected = self.held_out
        right = int((self.forest.predict(measured) == expected).sum())
        print("held-out accuracy: {} of {} ({:.1f} %)".format(right, len(expected), 100 * right / len(expected)))

    def print_requests(self):
        for row in self.held_out[0]:
            print(json.dumps(dict(zip(self.names, row.tolist()))))


if __name__ == "__main__":
    model = Model()
    try:
        if sys.argv[1:] == ["--accuracy"]:
            model.print_accuracy()
        elif sys.argv[1:] == ["--requests"]:
            model.print_requests()
        else:
            algo_run.serve(model.answer)
    except BadRequest as problem:
        sys.exit("tumour: {}".format(problem))
