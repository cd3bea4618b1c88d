#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints what algo-run costs beside other tools, in one table. Figures mean something only on an idle machine.
#
#     Benchmarks/run.sh [SECTION]...        default: all. Sections: launch batch growth compare workers serve failures
#                                           validation kafka delivery consume report
#
# BENCH_ROUNDS=200    turns of each command           BENCH_LONG=1     growth to a million requests (100,000)
# BENCH_PYTHON=PATH     a Python with NumPy and scikit-learn, for the rows of workers
# KAFKA_HOME=DIR      a broker, started and stopped by DIR/kafka; without it its rows are not measured
set -eu
cd "$(dirname "$0")/.."
export BUILD="${BUILD:-.build}" ALGO_RUN="${ALGO_RUN:-$PWD/.build/release/algo-run}" PYTHONDONTWRITEBYTECODE=1
[ -x "$ALGO_RUN" ] || { echo "run.sh: there is no $ALGO_RUN; run 'make release' first" >&2; exit 1; }
exec python3 Benchmarks/comparison "$@"
