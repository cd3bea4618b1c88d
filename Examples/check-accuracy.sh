#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures each example's accuracy again on its held-out data and compares it with the figure in the example's README;
# also trains the Swift example's committed model again, and compares that. Needs no algo-run: reporting does nothing.
# Closes with "N passed, N failed".
set -u
repository=$(cd "$(dirname "$0")/.." && pwd)
examples=$repository/Examples
export EXAMPLES_BUILD=${EXAMPLES_BUILD:-$examples/build}
build=$EXAMPLES_BUILD
unset ALGO_METRICS_FD
passed=0
failed=0

pass() {
  passed=$((passed + 1))
  echo "passed  $1"
}

fail() {
  failed=$((failed + 1))
  echo "FAILED  $1"
}

# LANGUAGE EXAMPLE COMMAND…: runs COMMAND in the example's folder; what it prints must stand in the README.
accuracy() {
  local language=$1 name=$2 measured
  shift 2
  if ! measured=$("$examples/build.sh" "$language" && cd "$examples/$name" && "$@"); then
    fail "$name: the command did not succeed"
  elif [ -z "$measured" ] || ! grep -qF -- "$measured" "$examples/$name/README.md"; then
    fail "$name: measured \"$measured\", which is not what its README states"
  elif [ -d "$examples/$name/data" ] &&
    [ "$(tail -n +2 "$examples/$name/data/held-out.csv" | wc -l)" -ne "$(wc -l <"$examples/$name/requests.ndjson")" ]
  then
    fail "$name: requests.ndjson does not have one line for each held-out row; run prepare-data.py"
  else
    pass "$name: $measured"
  fi
}

accuracy python python-iris-classifier \
  env PYTHONPATH="$repository/Bindings/Python" python3 iris.py --accuracy
accuracy python python-tumour-classifier \
  env PYTHONPATH="$repository/Bindings/Python" /usr/bin/python3 tumour.py --accuracy
accuracy swift swift-wine-cultivar \
  sh -c "'$build/swift/release/wine-cultivar' --accuracy < data/held-out.csv"
accuracy r r-penguin-body-mass \
  env R_LIBS="$build/r-library" Rscript penguin_mass.R --accuracy
accuracy java java-digit-recogniser \
  java -cp "$build/java" DigitRecogniser --accuracy

tumour=$examples/python-tumour-classifier
if PYTHONPATH="$repository/Bindings/Python" /usr/bin/python3 "$tumour/tumour.py" --requests |
  cmp -s - "$tumour/requests.ndjson"; then
  pass "python-tumour-classifier: requests.ndjson has one line for each held-out row"
else
  fail "python-tumour-classifier: tumour.py --requests prints another text than requests.ndjson"
fi

wine=$examples/swift-wine-cultivar
committed=$wine/Sources/WineModel/TrainedModel.swift
if "$build/swift/release/train-wine-cultivar" <"$wine/data/train.csv" | cmp -s - "$committed"; then
  pass "swift-wine-cultivar: training again gives the committed model"
else
  fail "swift-wine-cultivar: training again gives another model than Sources/WineModel/TrainedModel.swift"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
