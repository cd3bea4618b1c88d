# SPDX-License-Identifier: Apache-2.0
. "${BASH_SOURCE%/*}/common/iris-worker.sh"
algo-run publish demo/iris --worker -- python3 iris.py
algo-run publish demo/digits -- wc -c
mkdir scans && echo one >scans/1.png && echo two >scans/2.png
gzip -c flowers.ndjson >log.gz
