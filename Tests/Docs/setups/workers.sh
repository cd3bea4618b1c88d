# SPDX-License-Identifier: Apache-2.0
. "${BASH_SOURCE%/*}/common/iris-worker.sh"
