# SPDX-License-Identifier: Apache-2.0
# Targets for people and CI. `make help` lists it.

BUILD   ?= .build
override BUILD := $(abspath $(BUILD))
PREFIX  ?= /usr/local
DESTDIR ?=
# Debug builds refuse warnings, and imports that Package.swift does not allow. STRICT= lets a newer compiler warn.
STRICT  ?= 1
DEBUG_FLAGS = --scratch-path $(BUILD) \
  $(if $(STRICT),-Xswiftc -warnings-as-errors --explicit-target-dependency-import-check error)
# A folder with nothing but static libraries comes first on the linker's search path: to load and relocate their shared
# forms would take a third of the start-up.
STATIC_LIBRARIES = $(BUILD)/static-libraries
# The start-up of `exec` is mostly the loading of this binary. At a fixed address (as Go links by default) nothing of it
# needs relocating, which saves half a millisecond. libgcc inside, neither the regular expression engine nor the
# concurrency runtime, which Swift links unasked, and optimisation across modules save more. Debug builds, which the tests
# run, check for overlapping access to a variable; each check costs here what an access costs. Types are reached by calls
# instead of names that the runtime would have to read, and functions that are never called are left out: a quarter of the
# instructions and of the page faults of an `exec`.
LEAN_FLAGS = -Xswiftc -Xclang-linker -Xswiftc -no-pie -Xswiftc -Xclang-linker -Xswiftc -static-libgcc \
  -Xswiftc -Xfrontend -Xswiftc -disable-implicit-string-processing-module-import \
  -Xswiftc -Xfrontend -Xswiftc -disable-implicit-concurrency-module-import -Xswiftc -cross-module-optimization \
  -Xswiftc -enforce-exclusivity=unchecked \
  -Xswiftc -Xfrontend -Xswiftc -disable-concrete-type-metadata-mangled-name-accessors \
  -Xswiftc -Xfrontend -Xswiftc -function-sections \
  -Xlinker --no-export-dynamic
# Functions that an `exec` uses lie beside each other, in the order of scripts/link-order.txt: a quarter fewer page faults.
ORDER_FLAGS = -Xswiftc -use-ld=lld -Xlinker --symbol-ordering-file=$(CURDIR)/scripts/link-order.txt \
  -Xlinker --no-warn-symbol-ordering -Xlinker --no-demangle -Xlinker -Map=$(LINK_MAP)
LINK_MAP = $(abspath $(BUILD))/link.map
# Without --disable-local-rpath the loader would look for libc and libm in the folder of the binary first, in 23 places.
RELEASE_FLAGS = --scratch-path $(BUILD) -c release --static-swift-stdlib --product algo-run --disable-local-rpath \
  -Xlinker -L$(STATIC_LIBRARIES) $(LEAN_FLAGS) $(ORDER_FLAGS)
ALGO_RUN ?= $(BUILD)/release/algo-run

.DEFAULT_GOAL := help
.PHONY: help demo demo-kafka test check soak integrations bench lint format fuzz examples screenshots release link-order package release-check version install clean
export ALGO_RUN BUILD LEAN_FLAGS
export EXAMPLES_BUILD ?= $(BUILD)/examples

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

demo: release ## publish an example with Insights on, run it on its data, show what comes out
	@scripts/demo

demo-kafka: release ## the same with Apache Kafka: BROKERS=host:port, or one that it starts itself
	@scripts/demo-kafka

test: release ## Swift unit tests, most scenarios, bindings: two minutes once all is built
	@scripts/install-packages test
	@DEBUG_FLAGS="$(DEBUG_FLAGS)" scripts/python scripts/run-tests test

check: release ## everything that CI runs: test, slow scenarios, Kafka, packages, docs, examples, fuzzing, simulation
	@scripts/install-packages test
	@scripts/install-packages package
	@[ -n "$(KAFKA_HOME)" ] || scripts/install-packages broker
	@DEBUG_FLAGS="$(DEBUG_FLAGS)" scripts/python scripts/run-tests check

soak: release ## for hours: fuzzing, hundreds of random kills, batches of a million requests
	@scripts/install-packages test
	@[ -n "$(KAFKA_HOME)" ] || scripts/install-packages broker
	@DEBUG_FLAGS="$(DEBUG_FLAGS)" scripts/python scripts/run-tests soak

integrations: release ## every monitoring tool on one corpus, and the table of what holds where (TOOLS="clickhouse …")
	@scripts/install-packages test
	@[ -n "$(KAFKA_HOME)" ] || scripts/install-packages broker
	@scripts/python integrations/run $(TOOLS)

bench: release ## overhead and rates beside other tools, in one table (BENCH_LONG=1: a million requests)
	@scripts/install-packages bench
	@Benchmarks/run.sh

lint: ## formatting, documentation of public declarations, warnings, dependency directions
	@scripts/install-packages build
	@scripts/lint
	swift build $(DEBUG_FLAGS) --build-tests

format: ## rewrite Swift sources in the house style
	swift format --in-place --parallel --recursive Package.swift Sources Tests Examples Benchmarks

fuzz: ## throw broken metric streams at the intake (FUZZ_SECONDS=30)
	@scripts/install-packages build
	@Tests/Fuzz/run.sh

examples: release ## run the five example algorithms and check what they report
	@scripts/install-packages test
	@Examples/run.sh

screenshots: release ## take the pictures of the web console in docs/images/console again
	@scripts/install-packages test
	@scripts/python scripts/screenshots "$(ALGO_RUN)"

release: ## the binary that is installed: .build/release/algo-run
	@scripts/install-packages build
	@scripts/static-libraries $(STATIC_LIBRARIES)
	@scripts/build-facts
	swift build $(RELEASE_FLAGS)

link-order: release ## write scripts/link-order.txt again: what an `exec` uses, in order; takes minutes
	@scripts/link-order $(ALGO_RUN) $(LINK_MAP)

package: release ## every package of a release into dist/: .deb, tarball, wheels, R, jar, SBOM, SHA256SUMS
	@scripts/install-packages package
	@scripts/python packages/build.py $(BUILD)/release/algo-run dist

release-check: ## whether this commit can be released: lint, packages built twice and tried, the whole suite
	@scripts/release-check

version: ## write the version of the file VERSION wherever it stands (make version, after an edit of VERSION)
	@scripts/version write

install: ## install binary, completions and service unit below PREFIX=/usr/local (DESTDIR= for packagers)
	@BUILD="$(BUILD)" PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" RELEASE_FLAGS="$(RELEASE_FLAGS)" \
	  STATIC_LIBRARIES="$(STATIC_LIBRARIES)" scripts/install

clean: ## remove what was built
	rm -rf $(BUILD) Examples/build demo
