# SPDX-License-Identifier: Apache-2.0
"""Which libmicrohttpd serves."""

import os

from harness.server import Server


def test_the_library_is_the_one_that_is_asked_for(program):
    """LIBMICROHTTPD names a folder with a release 1.x; without it, it is the one of this system."""
    with Server(program, name="library") as server:
        [line] = [line for line in server.request("GET", "/metrics")[2].decode().splitlines()
                  if line.startswith("algo_run_build_info")]
    shown = line.split('libmicrohttpd="')[1].split('"')[0]
    assert shown.startswith("1." if "LIBMICROHTTPD" in os.environ else ("0.9.", "1.")), shown
