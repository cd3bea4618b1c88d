#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How long one report() of two metrics takes in each language: nanoseconds a call, into a pipe that is read, into
# /dev/null, and without a supervisor. CALLS is how many (20000).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
calls=${CALLS:-20000}
build=${BENCH_BUILD:-$(mktemp -d "${TMPDIR:-/tmp}/report-call.XXXXXX")}
[ -n "${BENCH_BUILD:-}" ] || trap 'rm -rf "$build"' EXIT
mkdir -p "$build"/{r,java,swift/Sources}
unset ALGO_METRICS_FD ALGO_METRICS_ECHO

for tool in python3 R javac swift; do
  command -v $tool >/dev/null || { echo "report-call: $tool is missing; install it to time its binding" >&2; exit 1; }
done
R CMD INSTALL --library="$build/r" "$root/Bindings/R" >"$build/r.log" 2>&1
javac -d "$build/java" "$here/ReportCall.java" "$root"/Bindings/Java/src/main/java/io/github/algorun/*.java
ln -sfn "$root/Sources/AlgoMetrics" "$build/swift/Sources/AlgoMetrics"
mkdir -p "$build/swift/Sources/ReportCall" && cp "$here/ReportCall.swift" "$build/swift/Sources/ReportCall/"
cat >"$build/swift/Package.swift" <<'END'
// swift-tools-version: 6.3
import PackageDescription

let package = Package(
  name: "report-call",
  targets: [.target(name: "AlgoMetrics"), .executableTarget(name: "ReportCall", dependencies: ["AlgoMetrics"])]
)
END
(cd "$build/swift" && swift build -c release >"$build/swift.log" 2>&1)

time_all() {
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$root/Bindings/Python" python3 "$here/report_call.py" "$calls"
  R_LIBS="$build/r" Rscript --vanilla "$here/report_call.R" "$calls"
  java -cp "$build/java" ReportCall "$calls"
  "$build/swift/.build/release/ReportCall" "$calls"
}

time_all >"$build/none"
ALGO_METRICS_FD=3 time_all 3>/dev/null >"$build/null"
# Descriptor 3 is the pipe; the results leave by 4.
{ ALGO_METRICS_FD=3 time_all 3>&1 >&4 | cat >/dev/null; } 4>"$build/pipe"
printf '%-10s %12s %12s %16s\n' 'ns a call' pipe /dev/null 'no supervisor'
paste -d ' ' "$build/pipe" "$build/null" "$build/none" | awk '{ printf "%-10s %12s %12s %16s\n", $1, $2, $4, $6 }'
