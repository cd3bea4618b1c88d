# SPDX-License-Identifier: Apache-2.0
import sys

from ._run import run

if __name__ == "__main__":
    run(sys.argv[1:])
