# SPDX-License-Identifier: Apache-2.0
. "${BASH_SOURCE%/*}/iris-worker.sh"
