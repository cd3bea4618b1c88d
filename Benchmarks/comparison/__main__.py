# SPDX-License-Identifier: Apache-2.0
"""The cost of algo-run beside other ways to run the same command: section by section, in one run. Asserts no time.

Called by Benchmarks/run.sh, which says where the binaries are.
"""

import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import batch
import compare
import consume
import failures
import launch
import rates
import serving
import workers
from broker import Broker
from table import Table

BENCHMARKS = Path(__file__).resolve().parent.parent


def main():
    algo_run = os.environ["ALGO_RUN"]
    sections = sys.argv[1:]
    wanted = lambda name: not sections or name in sections
    table = Table()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {algo_run}, {os.path.getsize(algo_run) >> 20} MiB; "
          f"Python {platform.python_version()} of {sys.prefix}")
    work = Path(tempfile.mkdtemp(prefix="algo-run-bench-"))
    broker = None
    try:
        if wanted("launch"):
            launch.run(table, algo_run, work)
        if wanted("batch"):
            batch.run(table, algo_run, work)
        if wanted("growth"):
            batch.growth(table, algo_run, work)
        if wanted("workers"):
            workers.run(table, algo_run, work)
        if wanted("serve"):
            serving.run(table, algo_run, work)
        if wanted("failures"):
            failures.run(table, algo_run, work)
        if wanted("compare"):
            compare.run(table, algo_run, work)
        if wanted("validation"):
            rates.validation(table)
        if wanted("delivery") or wanted("consume") or wanted("kafka"):
            kafka_home = os.environ.get("KAFKA_HOME")
            broker = Broker(kafka_home, work / "kafka") if kafka_home else None
            # First what also warms the broker up: a new JVM answers a single record half as fast as one that has worked.
            if wanted("delivery"):
                rates.delivery(table, work, broker)
            if wanted("consume"):
                consume.run(table, work, broker)
            if wanted("kafka"):
                launch.run_with_broker(table, algo_run, work, broker)
        if wanted("report"):
            rates.report(table, BENCHMARKS / "report-call" / "run.sh")
    finally:
        if broker:
            broker.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
