# SPDX-License-Identifier: Apache-2.0
"""`python -m algo_run_insights` is the command `algo-run-insights`."""

import sys

from .command import main

sys.exit(main())
