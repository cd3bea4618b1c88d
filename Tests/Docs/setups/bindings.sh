# SPDX-License-Identifier: Apache-2.0
cat >algo.py <<END
import algo_run
algo_run.report(cats_detected=24)
END
algo-run publish alice/cats --insights -- python3 algo.py
