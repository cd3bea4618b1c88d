# SPDX-License-Identifier: Apache-2.0
"""Prints the blocks of commands that no test runs, with the reason that each of them states."""

from harness.documents import left_out


def pytest_terminal_summary(terminalreporter):
    found, without = left_out()
    terminalreporter.write_line("")
    for place, reason in without:
        terminalreporter.write_line(f"  {place}: {reason}")
    terminalreporter.write_line(f"not run: {len(without)} of {found} blocks of commands in README.md and docs/, listed with their reasons")
