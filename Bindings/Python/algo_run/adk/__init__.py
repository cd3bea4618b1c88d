# SPDX-License-Identifier: Apache-2.0
"""Runs algorithms that were written for Algorithmia, unchanged: python3 -m algo_run.adk FILE

Here `from adk import ADK` and `import Algorithmia` find modules of this package, even if the original ones are
installed. `ADK(apply, load).init()` serves the file as a worker, or once from stdin without algo-run; metrics of
`client.report_insights` belong to the request. Calls that need the vanished service fail with a sentence that names it.
"""
