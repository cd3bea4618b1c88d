#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of every binding and builds every package, then prints the totals of each.
#
#   Tests/bindings/run.sh [--tests-only] [python|r|java|swift]...      default: all four
#
# --tests-only builds no packages and checks no documentation. Built files go to BINDINGS_BUILD, or to a directory
# that is removed again. A tool that is missing is a failure.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
if [ -n "${BINDINGS_BUILD:-}" ]; then
  mkdir -p "$BINDINGS_BUILD" && build=$(cd "$BINDINGS_BUILD" && pwd)
else
  build=$(mktemp -d "${TMPDIR:-/tmp}/bindings.XXXXXX")
  trap 'rm -rf "$build"' EXIT
fi
export PYTHONDONTWRITEBYTECODE=1 ALGO_RUN_VECTORS="$root/Tests/Vectors/binding-calls.json"
unset ALGO_METRICS_FD ALGO_METRICS_ECHO
totals=()
any_failed=0

begin() {
  binding=$1 passed=0 failed=0
}

end() {
  totals+=("$binding: $passed passed, $failed failed")
  [ "$failed" -eq 0 ] || any_failed=1
}

# need TOOL WHAT-TO-INSTALL: the whole binding fails in one sentence when a tool is missing.
need() {
  command -v "$1" >/dev/null && return 0
  echo "$binding: $1 is missing; install $2" >&2
  failed=$((failed + 1))
  return 1
}

# step NAME COMMAND…: shows the output only of what failed; counts "N passed" and "N failed" in it, or else itself.
step() {
  local name=$1 log counted
  log="$build/$binding-${name// /-}.log"
  shift
  if "$@" >"$log" 2>&1; then
    counted=$(sum passed "$log")
    passed=$((passed + (counted > 0 ? counted : 1)))
    echo "$binding: $name: ok"
    return 0
  fi
  passed=$((passed + $(sum passed "$log")))
  counted=$(sum failed "$log")
  failed=$((failed + (counted > 0 ? counted : 1)))
  echo "$binding: $name: FAILED"
  sed "s/^/    /" "$log"
  return 1
}

sum() {
  grep -Eo "[0-9]+ $1" "$2" | awk '{ sum += $1 } END { print sum + 0 }'
}

test_python() {
  begin python
  need strace 'the package strace' || { end; return; }
  local source="$build/python"
  rm -rf "$source" && mkdir -p "$source" && cp -R "$root/Bindings/Python/." "$source"
  cd "$source" || return
  # pytest prints its totals.
  step tests "$root/scripts/python" -m pytest -q -p no:cacheprovider
  step workers workers_of "env PYTHONPATH=$source $root/.build/python/bin/python $source/tests/worked.py" socket
  [ -z "$tests_only" ] || { end; return; }
  step types "$root/scripts/python" -m mypy --cache-dir "$build/mypy"
  step "wheel and sdist" "$root/scripts/python" -m build --no-isolation --outdir "$build/dist" &&
    step "virtual environment" "$root/scripts/python" -m venv --clear "$build/venv" &&
    step install "$build/venv/bin/pip" install --no-index --force-reinstall "$build"/dist/*.whl &&
    step "use of the installed wheel" use_wheel
  end
}

# workers_of COMMAND [DESCRIPTORS]: what all workers do, seen by a supervisor.
workers_of() {
  WORKER=$1 WORKER_DESCRIPTORS=${2:-path} "$root/scripts/python" -m pytest -q -p no:cacheprovider --noconftest \
    "$root/Tests/bindings/test_workers.py"
}

use_wheel() (
  cd / && [ "$(ALGO_METRICS_FD=3 "$build/venv/bin/python" -c '
import algo_run, pathlib
assert pathlib.Path(algo_run.__file__).with_name("py.typed").exists()
algo_run.report({"cats_detected": 24})' 3>&1)" = '{"cats_detected":24}' ]
)

test_r() {
  begin r
  need R 'the package r-base-core' && need strace 'the package strace' || { end; return; }
  mkdir -p "$build/r/library" && cd "$build/r" || return
  if [ -n "$tests_only" ]; then
    step install R CMD INSTALL --no-docs --library="$build/r/library" "$root/Bindings/R" && step tests run_r
    step workers workers_of "env R_LIBS=$build/r/library Rscript --vanilla $root/Bindings/R/tests/support/probe.R serve"
    end
    return
  fi
  step build R CMD build "$root/Bindings/R" && step check check_r
  step workers workers_of "env R_LIBS=$build/r/algorun.Rcheck Rscript --vanilla $root/Bindings/R/tests/support/probe.R serve"
  end
}

run_r() (
  cd "$root/Bindings/R/tests" || exit
  for file in *.R; do R_LIBS="$build/r/library" Rscript "$file" || exit; done
)

# No errors, no warnings, no notes; the totals of the tests are in their own outputs.
check_r() {
  _R_CHECK_FORCE_SUGGESTS_=false R CMD check --no-manual algorun_*.tar.gz
  local status=$?
  cat algorun.Rcheck/tests/*.Rout* | grep -E "^(failed: |[a-z]+: [0-9]+ passed)"
  [ $status -eq 0 ] && grep -q "^Status: OK" algorun.Rcheck/00check.log
}

test_java() {
  begin java
  need javac 'the package openjdk-17-jdk-headless' && need make 'the package make' && need strace 'the package strace' || { end; return; }
  cd "$root/Bindings/Java" || return
  step jar make BUILD="$build/java" jar && step tests make BUILD="$build/java" test &&
    step workers workers_of "java -cp $build/java/algo-run-$(java_version).jar:$build/java/test-classes io.github.algorun.Probe serve"
  [ -n "$tests_only" ] || step javadoc make BUILD="$build/java" javadoc
  end
}

java_version() {
  sed -n 's:.*<version>\(.*\)</version>.*:\1:p' "$root/Bindings/Java/pom.xml" | head -1
}

test_swift() {
  begin swift
  need swift "Swift 6.3" || { end; return; }
  # A package of this library alone, as an algorithm's package takes it: it must need nothing else of the repository.
  local package="$build/swift"
  mkdir -p "$package/Sources" "$package/Tests" && cd "$package" || return
  ln -sfn "$root/Sources/AlgoMetrics" Sources/AlgoMetrics
  ln -sfn "$root/Tests/AlgoMetricsTests" Tests/AlgoMetricsTests
  ln -sfn "$root/Tests/Vectors" Tests/Vectors
  cat >Package.swift <<'END'
// swift-tools-version: 6.3
import PackageDescription

let package = Package(
  name: "algo-metrics",
  products: [.library(name: "AlgoMetrics", targets: ["AlgoMetrics"])],
  targets: [
    .target(name: "AlgoMetrics"),
    .testTarget(name: "AlgoMetricsTests", dependencies: ["AlgoMetrics"]),
  ]
)
END
  step "release build" swift build -c release -Xswiftc -warnings-as-errors --product AlgoMetrics
  step tests swift_tests
  end
}

# Swift Testing prints no count of what passed beside what failed.
swift_tests() {
  swift test 2>&1 | tee "$build/swift.out"
  local status=${PIPESTATUS[0]}
  echo "$(grep -cE 'Test ".*" passed after' "$build/swift.out") passed"
  echo "$(grep -cE 'Test ".*" failed after' "$build/swift.out") failed"
  return "$status"
}

tests_only=
if [ "${1:-}" = --tests-only ]; then tests_only=yes; shift; fi
[ $# -gt 0 ] || set -- python r java swift
for name in "$@"; do
  case $name in
    python | r | java | swift) "test_$name" ;;
    *)
      echo "run.sh: no binding is called $name; choose from python, r, java and swift" >&2
      exit 64
      ;;
  esac
done
printf '%s\n' "${totals[@]}"
exit $any_failed
