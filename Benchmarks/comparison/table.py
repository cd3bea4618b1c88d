# SPDX-License-Identifier: Apache-2.0
"""The one table that a benchmark run prints."""


class Table:
    """Rows of (what, value, beside, target), grouped; printed as they come so that a long run shows its progress."""

    def __init__(self):
        self.began = False

    def section(self, title):
        print(f"\n{title}\n{'-' * len(title)}", flush=True)
        self.began = False

    def row(self, what, value, ratio="", target=""):
        if not self.began:
            print(f"{'':44} {'median':>16} {'ratio':>12}   target")
            self.began = True
        print(f"{what:44} {value:>16} {ratio:>12}   {target}".rstrip(), flush=True)

    def not_measured(self, what, why):
        self.row(what, "not measured", "", why)


def milliseconds(seconds):
    return f"{seconds * 1000:.2f} ms"


def mebibytes(kibibytes):
    return f"{kibibytes / 1024:.1f} MiB"


def times(ratio):
    return f"{ratio:.2f}×"
