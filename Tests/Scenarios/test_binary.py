# SPDX-License-Identifier: Apache-2.0
"""The release binary is one file that a user can copy to another machine."""

import re
import subprocess


def test_the_binary_needs_no_library_beyond_the_c_library(program):
    listed = subprocess.run(["readelf", "-d", program.binary], capture_output=True, check=True, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", listed)
    assert set(needed) <= {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
