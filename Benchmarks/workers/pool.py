# SPDX-License-Identifier: Apache-2.0
"""The same requests by Python's own pools, which know no metric, time limit or record: pool.py KIND JOBS FILE."""
import concurrent.futures
import multiprocessing
import sys


def apply(line):
    return line


if __name__ == "__main__":
    kind, jobs, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    lines = open(path)
    if kind == "multiprocessing.Pool":
        with multiprocessing.Pool(jobs) as pool:
            results = sum(1 for _ in pool.imap(apply, lines))
    else:
        with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
            results = sum(1 for _ in pool.map(apply, lines))
    print(results)
