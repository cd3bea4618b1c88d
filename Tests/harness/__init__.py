# SPDX-License-Identifier: Apache-2.0
"""What tests in Python share: the program under test, looks at processes, terminals, brokers."""
