#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the data files of the four examples that have files of data: data/train.csv, data/held-out.csv, requests.ndjson, request.json.

The files are committed; run this only to check where they came from. Needs a scikit-learn 1.9 wheel (for its copies
of UCI's iris, wine and digits) and Rscript 4.5 or later (for R's own penguins):

    python3 Examples/prepare-data.py scikit_learn-1.9.1-….whl

The split is by position, not by choice: every fourth row of a file sorted by class, and the last fifth of
the digits, which come writer after writer. A request is a held-out row without its answer, in the same order, so
line N of requests.ndjson belongs to row N of data/held-out.csv.
"""

import csv
import gzip
import io
import json
import pathlib
import subprocess
import sys
import zipfile

EXAMPLES = pathlib.Path(__file__).resolve().parent

IRIS = ["sepal_length_cm", "sepal_width_cm", "petal_length_cm", "petal_width_cm"]
WINE = [
    "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
    "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280_od315_of_diluted_wines", "proline",
]
PENGUIN_TEXT = {"species", "island", "sex"}
INK_LEVELS = "0123456789abcdefg"  # 0 (blank) to 16 (full), one character for each pixel keeps the file small


def main(wheel):
    with zipfile.ZipFile(wheel) as archive:
        def read(name):
            return archive.read("sklearn/datasets/data/" + name)

        iris = rows(read("iris.csv").decode(), skip=1)
        wine = rows(read("wine_data.csv").decode(), skip=1)
        digits = rows(gzip.decompress(read("digits.csv.gz")).decode(), skip=0)

    species = ["setosa", "versicolor", "virginica"]
    write(
        "python-iris-classifier", IRIS + ["species"],
        [row[:4] + [species[int(row[4])]] for row in iris], every_fourth,
        lambda row: {name: number(text) for name, text in zip(IRIS, row)},
    )
    write(
        "swift-wine-cultivar", WINE + ["cultivar"],
        [row[:13] + [str(int(row[13]) + 1)] for row in wine], every_fourth,
        lambda row: {name: number(text) for name, text in zip(WINE, row)},
    )
    # Mixing one writer's digits into both parts would flatter the figure: the last writers are held out as a block.
    write(
        "java-digit-recogniser", ["pixels", "digit"],
        [["".join(INK_LEVELS[int(float(ink))] for ink in row[:64]), str(int(float(row[64])))] for row in digits],
        last_fifth,
        lambda row: {"pixels": [INK_LEVELS.index(ink) for ink in row[0]]},
    )
    header, penguins = read_penguins()
    write(
        "r-penguin-body-mass", header, penguins, every_fourth,
        lambda row: {
            name: text if name in PENGUIN_TEXT else number(text)
            for name, text in zip(header, row) if name != "body_mass_g"
        },
    )


def read_penguins():
    """The 333 of 344 penguins that were measured completely; the year of the expedition is left out."""
    program = (
        "p <- penguins[complete.cases(penguins), c('species','island','sex','bill_len','bill_dep',"
        "'flipper_len','body_mass')];"
        "names(p) <- c('species','island','sex','bill_length_mm','bill_depth_mm','flipper_length_mm','body_mass_g');"
        "write.csv(p, row.names = FALSE, quote = FALSE)"
    )
    text = subprocess.run(["Rscript", "-e", program], check=True, capture_output=True, text=True).stdout
    table = rows(text, skip=0)
    return table[0], table[1:]


def rows(text, skip):
    return list(csv.reader(io.StringIO(text)))[skip:]


def number(text):
    value = float(text)
    return int(value) if value.is_integer() and "." not in text else value


def every_fourth(index, count):
    return index % 4 == 3


def last_fifth(index, count):
    return 5 * index >= 4 * count


def write(example, header, table, is_held_out, request_of):
    folder = EXAMPLES / example
    held_out = [row for index, row in enumerate(table) if is_held_out(index, len(table))]
    train = [row for index, row in enumerate(table) if not is_held_out(index, len(table))]
    for name, part in (("train", train), ("held-out", held_out)):
        with open(folder / "data" / (name + ".csv"), "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header] + part)
    requests = [json.dumps(request_of(row)) for row in held_out]
    (folder / "requests.ndjson").write_text("".join(line + "\n" for line in requests))
    (folder / "request.json").write_text(requests[len(requests) // 2] + "\n")
    print(f"{example}: {len(train)} rows to train on, {len(held_out)} held out")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: prepare-data.py SCIKIT_LEARN_WHEEL")
    main(sys.argv[1])
