#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds what the examples need, from the bindings in this repository: Examples/build.sh [python|swift|r|java …]
# Without a name, all four. Output goes to Examples/build/, or to $EXAMPLES_BUILD.
set -eu
examples=$(cd "$(dirname "$0")" && pwd)
repository=$(dirname "$examples")
build=${EXAMPLES_BUILD:-$examples/build}

need() { # TOOL PACKAGE
  command -v "$1" >/dev/null || { echo "build.sh: $1 is not installed; install the package $2" >&2; exit 1; }
}

# Quiet when it works; what the tool said when it does not.
quietly() {
  local log
  log=$(mktemp)
  "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; echo "build.sh: failed: $*" >&2; exit 1; }
  rm -f "$log"
}

build_python() {
  need python3 python3 # nothing to compile: the binding is found by PYTHONPATH
}

build_swift() {
  command -v swift >/dev/null || { echo "build.sh: Swift is not on PATH; install Swift 6.3 from https://www.swift.org/install" >&2; exit 1; }
  quietly swift build --package-path "$examples/swift-wine-cultivar" --scratch-path "$build/swift" \
    -c release --static-swift-stdlib
}

build_r() {
  need Rscript r-base-core
  mkdir -p "$build/r-library"
  quietly R CMD INSTALL --no-docs --no-test-load --library="$build/r-library" "$repository/Bindings/R"
}

build_java() {
  need javac default-jdk-headless
  mkdir -p "$build/java"
  quietly javac --release 11 -d "$build/java" \
    "$repository"/Bindings/Java/src/main/java/io/github/algorun/*.java "$examples"/java-digit-recogniser/*.java
}

[ $# -gt 0 ] || set -- python swift r java
for language in "$@"; do "build_$language"; done
