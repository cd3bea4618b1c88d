#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints what algo-run costs beside other tools, in one table. Figures mean something only on an idle machine.
#
#     Benchmarks/run.sh [SECTION]...        default: all. Sections: launch batch growth compare workers serve failures
#                                           validation kafka delivery consume report
#
# BENCH_ROUNDS=200    turns of each command           BENCH_LONG=1     growth to a million requests (100,000)
# BENCH_PYTHON=PATH     the Python of algorithms and peers (/usr/bin/python3, else the one on PATH). One that was compiled
#                       without optimization halves their rates, as pyenv's are; some rows want NumPy and scikit-learn.
# KAFKA_HOME=DIR      a broker, started and stopped by DIR/kafka; without it its rows are not measured
set -eu
cd "$(dirname "$0")/.."
export BUILD="${BUILD:-.build}" ALGO_RUN="${ALGO_RUN:-$PWD/.build/release/algo-run}" PYTHONDONTWRITEBYTECODE=1
[ -x "$ALGO_RUN" ] || { echo "run.sh: there is no $ALGO_RUN; run 'make release' first" >&2; exit 1; }
python=${BENCH_PYTHON:-$(command -v /usr/bin/python3 python3 | head -n 1)}
[ -n "$python" ] || { echo "run.sh: there is no python3; install it, or set BENCH_PYTHON to one" >&2; exit 1; }
exec "$python" Benchmarks/comparison "$@"
