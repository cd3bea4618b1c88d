# SPDX-License-Identifier: Apache-2.0
"""The judgement of `algo-run compare` on the corpus, for the tools that compute the same figures."""

import json
import subprocess


def by_metric(corpus, algo_run, folder, figure="d"):
    """A figure of demo/credit 1.0.6 against 1.1.0, by metric."""
    shown = subprocess.run([algo_run, "compare", "--json", *sources(corpus, folder)], stdout=subprocess.PIPE, check=False)
    return {metric["name"]: metric[figure] for metric in json.loads(shown.stdout)["metrics"] if figure in metric}


def sources(corpus, folder):
    """Files of both versions, as options."""
    options = []
    for version in ("1.0.6", "1.1.0"):
        keys = {key for key, execution in corpus.executions.items() if execution.version == version}
        path = folder / f"{version}.ndjson"
        path.write_bytes(b"".join(record.value + b"\n" for record in corpus.records if record.key in keys))
        options += ["--from", path]
    return options
