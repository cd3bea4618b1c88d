# SPDX-License-Identifier: Apache-2.0
"""The shared code of tests in Python: the program under test, looks at processes, terminals, brokers."""

import signal

# Under nohup, or in the background of a shell without job control, these are ignored, and programs that are started
# inherit that. Tests describe a terminal, where they are not.
for _number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)
