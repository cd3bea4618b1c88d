#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs delivery in a simulated world with SCHEDULES (20,000) seeds from FIRST_SEED (1) on. Closes with "N passed, N failed";
# a failure names its seed, and `.build/release/delivery-simulation replay SEED` prints that schedule step by step.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-.build}
swift build --scratch-path "$build" -c release --product delivery-simulation || { echo "0 passed, 1 failed"; exit 1; }
exec "$build/release/delivery-simulation" "${SCHEDULES:-20000}" "${FIRST_SEED:-1}"
