# SPDX-License-Identifier: Apache-2.0
algo-run publish OWNER/NAME -- tr a-z A-Z
KEY=$(algo-run keys create app --scope publish)
algo-run serve &
