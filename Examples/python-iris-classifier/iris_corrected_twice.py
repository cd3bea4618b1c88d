# SPDX-License-Identifier: Apache-2.0
"""iris.py after a change that went wrong, for docs/compare.md: petal lengths are corrected for the camera's lens, which the
camera does already.

Each answer still looks like an answer, and nearly all are still right: only the metrics show that something changed.
"""

import sys

import iris

LENS = 1.15
read_flower = iris.read_flower


def read_and_correct(request):
    flower = read_flower(request)
    flower[iris.FEATURES.index("petal_length_cm")] *= LENS
    return flower


iris.read_flower = read_and_correct

if __name__ == "__main__":
    try:
        iris.main()
    except iris.BadRequest as problem:
        sys.exit("iris: {}".format(problem))
