#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Throws broken metric streams at the intake for FUZZ_SECONDS (30) by libFuzzer, and checks what is promised for all of
# them. FUZZ_SEED (1) begins its random choices; 0 lets it choose.
#
# A stream that breaks a promise is kept in $BUILD/fuzz/broken; put it into Tests/Fuzz/corpus when it is understood.
# Closes with "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${FUZZ_SECONDS:-30}
work=$(mkdir -p "${BUILD:-.build}/fuzz" && cd "${BUILD:-.build}/fuzz" && pwd)
mkdir -p "$work/broken" "$work/found"
corpus=$PWD/Tests/Fuzz/corpus
features="-swift-version 6 -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault
  -enable-upcoming-feature MemberImportVisibility"

# Built with the fuzzer's coverage; asserts stay, and pointers are checked by guarded memory as well.
build() {
  local flags="-O -wmo -assert-config Debug -parse-as-library $features -I $work -sanitize=fuzzer,address" module
  for module in JSONText RunModel MetricsIntake; do
    # shellcheck disable=SC2086  # flags
    swiftc $flags -module-name $module -emit-module -emit-module-path "$work/$module.swiftmodule" -emit-object \
      -o "$work/$module.o" Sources/$module/*.swift || return 1
  done
  # shellcheck disable=SC2086
  swiftc $flags -module-name FuzzMetrics Tests/Fuzz/*.swift "$work/JSONText.o" "$work/RunModel.o" "$work/MetricsIntake.o" \
    -o "$work/fuzz-metrics"
}

if ! build >"$work/build.log" 2>&1; then
  cat "$work/build.log"
  echo "0 passed, 1 failed"
  exit 1
fi
echo "fuzzing for $seconds s"

# Swift's own handler of crashes would end the process before libFuzzer keeps the stream.
export SWIFT_BACKTRACE=enable=no
# First every stored stream as it is and repeated over the stream's limit, then short mutations of them: long ones
# are slow and find little more.
rm -rf "$work/long" && mkdir "$work/long"
for stream in "$corpus"/*; do
  long=$work/long/$(basename "$stream")
  cp "$stream" "$long"
  while [ "$(wc -c <"$long")" -le 1048576 ]; do cat "$long" "$long" >"$long+" && mv "$long+" "$long"; done
done
"$work/fuzz-metrics" -artifact_prefix="$work/broken/" -timeout=60 "$corpus"/* "$work"/long/* >"$work/run.log" 2>&1 &&
  "$work/fuzz-metrics" -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=4096 \
    -dict=Tests/Fuzz/metrics.dict -artifact_prefix="$work/broken/" -print_final_stats=1 \
    "$work/found" "$corpus" >>"$work/run.log" 2>&1
status=$?
grep "^stat::" "$work/run.log"
if [ $status -ne 0 ]; then
  grep "^BROKEN" "$work/run.log" || tail -n 60 "$work/run.log"
  echo "a stream broke a promise; it is in $work/broken"
  echo "0 passed, 1 failed"
  exit 1
fi
echo "1 passed, 0 failed"
