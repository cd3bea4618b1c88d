#!/usr/bin/env bash
# Throws broken metric streams at the intake for FUZZ_SECONDS (60) and checks what is promised for all of them.
#
# With libFuzzer where the toolchain links it, else with a generator. A stream that breaks a promise is kept in
# $BUILD/fuzz/broken; put it into Tests/Fuzz/corpus when it is understood. Closes with "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${FUZZ_SECONDS:-60}
work=$(mkdir -p "${BUILD:-.build}/fuzz" && cd "${BUILD:-.build}/fuzz" && pwd)
mkdir -p "$work/broken" "$work/found"
corpus=$PWD/Tests/Fuzz/corpus
features="-swift-version 6 -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault
  -enable-upcoming-feature MemberImportVisibility"

# SANITIZERS DRIVER: both rooms are built with the fuzzer's coverage; asserts stay, pointers are checked by guarded memory.
build() {
  local flags="-O -wmo -assert-config Debug -parse-as-library $features -I $work${1:+ -sanitize=$1}" room
  for room in RunModel MetricsIntake; do
    # shellcheck disable=SC2086  # flags
    swiftc $flags -module-name $room -emit-module -emit-module-path "$work/$room.swiftmodule" -emit-object \
      -o "$work/$room.o" Sources/$room/*.swift || return 1
  done
  # shellcheck disable=SC2086
  swiftc $flags -module-name FuzzMetrics Tests/Fuzz/MetricStreamPromises.swift Tests/Fuzz/GuardedMemory.swift \
    Tests/Fuzz/FlatObject.swift "Tests/Fuzz/$2" "$work/RunModel.o" "$work/MetricsIntake.o" -o "$work/fuzz-metrics"
}

# Which sanitizers link differs between toolchains.
driver=GeneratedStreams.swift
sanitizers=
for candidate in fuzzer,address fuzzer; do
  if echo '@_cdecl("LLVMFuzzerTestOneInput") public func f(_: UnsafePointer<UInt8>, _: Int) -> CInt { 0 }' |
    swiftc -parse-as-library -sanitize=$candidate - -o "$work/probe" >/dev/null 2>&1; then
    sanitizers=$candidate
    driver=FuzzerEntry.swift
    break
  fi
done
if ! build "$sanitizers" "$driver" >"$work/build.log" 2>&1; then
  cat "$work/build.log"
  echo "0 passed, 1 failed"
  exit 1
fi
echo "fuzzing for $seconds s with ${sanitizers:-generated streams}"

if [ -n "$sanitizers" ]; then
  # First every stored stream as it is and repeated over the stream's limit, then short mutations of them: long ones
  # are slow and find little more.
  rm -rf "$work/long" && mkdir "$work/long"
  for stream in "$corpus"/*; do
    long=$work/long/$(basename "$stream")
    cp "$stream" "$long"
    while [ "$(wc -c <"$long")" -le 1048576 ]; do cat "$long" "$long" >"$long+" && mv "$long+" "$long"; done
  done
  "$work/fuzz-metrics" -artifact_prefix="$work/broken/" -timeout=60 "$corpus"/* "$work"/long/* >"$work/run.log" 2>&1 &&
    "$work/fuzz-metrics" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=4096 \
      -dict=Tests/Fuzz/metrics.dict -artifact_prefix="$work/broken/" -print_final_stats=1 \
      "$work/found" "$corpus" >>"$work/run.log" 2>&1
else
  (cd "$work/broken" && "$work/fuzz-metrics" "$seconds" "$corpus") >"$work/run.log" 2>&1
fi
status=$?
grep "^stat::\|^[0-9]* streams" "$work/run.log"
if [ $status -ne 0 ]; then
  grep "^BROKEN" "$work/run.log" || tail -n 60 "$work/run.log"
  echo "a stream broke a promise; it is in $work/broken"
  echo "0 passed, 1 failed"
  exit 1
fi
echo "1 passed, 0 failed"
