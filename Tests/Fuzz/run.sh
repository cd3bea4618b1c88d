#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Throws broken metric streams at the intake, and then broken requests at what reads them, each for FUZZ_SECONDS (30) by
# libFuzzer, and checks what is promised for all of them. FUZZ_SEED (1) begins its random choices; 0 lets it choose.
#
# An input that breaks a promise is kept in $BUILD/fuzz/KIND/broken; put it into the corpus when it is understood.
# Closes with "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${FUZZ_SECONDS:-30}
# Seconds that one input may take: a thousand times as long as any does when nothing else runs.
limit=300
build=$(mkdir -p "${BUILD:-.build}/fuzz" && cd "${BUILD:-.build}/fuzz" && pwd)
features="-swift-version 6 -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault
  -enable-upcoming-feature MemberImportVisibility"
# Built with the fuzzer's coverage; asserts stay, and pointers are checked by guarded memory as well.
flags="-O -wmo -assert-config Debug -parse-as-library -package-name algo-run $features -I $build -sanitize=fuzzer,address"

modules() {
  local module
  for module in "$@"; do
    # shellcheck disable=SC2086  # flags
    swiftc $flags -module-name "$module" -emit-module -emit-module-path "$build/$module.swiftmodule" -emit-object \
      -o "$build/$module.o" "Sources/$module"/*.swift || return 1
  done
}

metrics() {
  # shellcheck disable=SC2086
  swiftc $flags -module-name FuzzMetrics Tests/Fuzz/*.swift "$build"/{JSONText,RunModel,MetricsIntake}.o -o "$build/fuzz-metrics"
}

# Of the server only what reads requests, which imports nothing: the rest needs the HTTP library.
requests() {
  # shellcheck disable=SC2086
  swiftc $flags -module-name FuzzRequests Tests/Fuzz/requests/*.swift Tests/Fuzz/GuardedMemory.swift \
    Sources/HTTPService/{RequestTarget,HTTPRequest,HeaderCheck}.swift "$build"/{JSONText,RunModel}.o -o "$build/fuzz-requests"
}

if ! { modules JSONText RunModel MetricsIntake && metrics && requests; } >"$build/build.log" 2>&1; then
  cat "$build/build.log"
  echo "0 passed, 1 failed"
  exit 1
fi

# Swift's own handler of crashes would end the process before libFuzzer keeps the input.
export SWIFT_BACKTRACE=enable=no

# fuzz KIND SECONDS CORPUS DICTIONARY [FILE...]: first every stored input as it is, and the files, then short mutations:
# long ones are slow and find little more.
fuzz() {
  local kind=$1 seconds=$2 corpus=$3 dictionary=$4 work=$build/$1
  shift 4
  echo "fuzzing $kind for $seconds s"
  mkdir -p "$work/broken" "$work/found"
  if "$build/fuzz-$kind" -artifact_prefix="$work/broken/" -timeout="$limit" "$corpus"/* "$@" >"$work/run.log" 2>&1 &&
    "$build/fuzz-$kind" -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" -timeout="$limit" -rss_limit_mb=2048 -max_len=4096 \
      -dict="$dictionary" -artifact_prefix="$work/broken/" -print_final_stats=1 "$work/found" "$corpus" \
      >>"$work/run.log" 2>&1; then
    grep "^stat::" "$work/run.log"
    passed=$((passed + 1))
  else
    grep "^BROKEN" "$work/run.log" || tail -n 60 "$work/run.log"
    echo "an input broke a promise; it is in $work/broken"
    failed=$((failed + 1))
  fi
}

passed=0 failed=0
# Streams beyond their limit.
rm -rf "$build/long" && mkdir "$build/long"
for stream in Tests/Fuzz/corpus/*; do
  long=$build/long/$(basename "$stream")
  cp "$stream" "$long"
  while [ "$(wc -c <"$long")" -le 1048576 ]; do cat "$long" "$long" >"$long+" && mv "$long+" "$long"; done
done
fuzz metrics "$seconds" "$PWD/Tests/Fuzz/corpus" Tests/Fuzz/metrics.dict "$build"/long/*
fuzz requests "$seconds" "$PWD/Tests/Fuzz/requests/corpus" Tests/Fuzz/requests/requests.dict
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
