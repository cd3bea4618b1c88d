#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Publishes the five examples with Insights on, runs one request of each under algo-run and checks what came of it:
# the result, the execution record, and the payload in the home's insights.ndjson. A request that cannot be answered
# must end with the algorithm's status 1 and its sentence on stderr.
#
#     ALGO_RUN=.build/release/algo-run Examples/run.sh
#
# One line for each example, then "N passed, N failed"; the status is 1 when one failed. Nothing is left behind but
# Examples/build/ (or $EXAMPLES_BUILD).
set -u
repository=$(cd "$(dirname "$0")/.." && pwd)
examples=$repository/Examples
export EXAMPLES_BUILD=${EXAMPLES_BUILD:-$examples/build}
build=$EXAMPLES_BUILD
algo_run=$(realpath "${ALGO_RUN:-$repository/.build/release/algo-run}")

[ -x "$algo_run" ] || { echo "run.sh: there is no algo-run at $algo_run; build it or set ALGO_RUN" >&2; exit 1; }
command -v python3 >/dev/null || { echo "run.sh: python3 is not installed; install the package python3" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
home=$work/home
echo '{}' >"$work/empty.json"
passed=0
failed=0

# LANGUAGE EXAMPLE EXPECTED [publish options] -- COMMAND…: EXPECTED is one member of the result, as name=JSON value.
example() {
  local language=$1 name=$2 expected=$3 problem
  shift 3
  if problem=$( (publish_and_run "$language" "$name" "$@" && check "$name" "$expected" && refuses "$name") 2>&1); then
    passed=$((passed + 1))
    echo "passed  $name: $problem"
  else
    failed=$((failed + 1))
    echo "FAILED  $name: $problem"
  fi
}

publish_and_run() {
  local language=$1 name=$2
  shift 2
  # The output on stderr is of interest only if something failed.
  "$examples/build.sh" "$language" || return 1
  "$algo_run" publish "examples/$name" --home "$home" --insights --directory "$examples/$name" "$@" \
    >"$work/publish" 2>"$work/said" || { cat "$work/said"; return 1; }
  "$algo_run" exec "examples/$name" --home "$home" --input "$examples/$name/request.json" \
    --report "$work/$name.report" >"$work/$name.result" 2>"$work/said" || { cat "$work/said"; return 1; }
}

refuses() {
  local status
  "$algo_run" exec "examples/$1" --home "$home" --input "$work/empty.json" >"$work/$1.result" 2>"$work/$1.stderr"
  status=$?
  [ $status -eq 1 ] || { echo "; the request {} ended with status $status instead of 1"; return 1; }
  [ ! -s "$work/$1.result" ] || { echo "; the request {} was given a result"; return 1; }
  # A worker's error is its message alone.
  grep -v '^algo-run: ' "$work/$1.stderr" | grep -Eq '^[a-z_-]*: .|^[a-z_]+ must be .' ||
    { echo "; the request {} was refused without a sentence"; return 1; }
}

check() {
  python3 "$examples/check-run.py" "$work/$1.result" "$work/$1.report" "$home/insights.ndjson" "$2"
}

example python python-iris-classifier 'species="versicolor"' \
  --env "PYTHONPATH=$repository/Bindings/Python" -- python3 iris.py
example python python-tumour-classifier 'diagnosis="malignant"' --worker \
  --env "PYTHONPATH=$repository/Bindings/Python" -- /usr/bin/python3 tumour.py
example swift swift-wine-cultivar 'cultivar=2' \
  -- "$build/swift/release/wine-cultivar"
example r r-penguin-body-mass 'body_mass_g=4781' \
  --env "R_LIBS=$build/r-library" -- Rscript penguin_mass.R
example java java-digit-recogniser 'digit=5' \
  -- java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$build/java" DigitRecogniser

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
