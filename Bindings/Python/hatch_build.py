# SPDX-License-Identifier: Apache-2.0
"""Puts the program that ALGO_RUN_BINARY names into the wheel, as the command algo-run. Without it the wheel is the module
alone, for any platform.
"""

import os

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version, build_data):
        program = os.environ.get("ALGO_RUN_BINARY")
        if program and version != "editable":
            build_data["shared_scripts"][program] = "algo-run"
            build_data["pure_python"] = False
            # Built on Debian 12 with glibc 2.36; needs no particular Python.
            build_data["tag"] = "py3-none-manylinux_2_36_x86_64"
