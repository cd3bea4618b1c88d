# SPDX-License-Identifier: Apache-2.0
"""The shared code of tests in Python: the program under test, looks at processes, terminals, brokers."""
