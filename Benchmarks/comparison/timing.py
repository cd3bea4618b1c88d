# SPDX-License-Identifier: Apache-2.0
"""Runs commands side by side and times them.

Commands take turns, so that whatever else the machine does meets all of them alike, and in each turn in another order,
so that none always finds the processor's caches as the same other command left them. Compared are medians.
"""

import os
import random
import statistics
import time
from typing import NamedTuple

QUIET = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]


class Failed(Exception):
    """A command ended with another status than 0: its time would mean nothing."""


class Cost(NamedTuple):
    """Seconds from just before the launch until the command has ended, and its CPU time with that of its children."""

    seconds: float
    cpu: float


def once(command, environment=None):
    begun = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment or os.environ, file_actions=QUIET)
    _, status, usage = os.wait4(pid, 0)
    took = time.perf_counter() - begun
    if status != 0:
        raise Failed(f"{' '.join(command)} ended with status {os.waitstatus_to_exitcode(status)}")
    return Cost(took, usage.ru_utime + usage.ru_stime)


def side_by_side(commands, rounds, warm_up=3, environments={}):
    """Median seconds for each name of `commands`, a dictionary from name to command; some have their own environment."""
    costs = costs_side_by_side(commands, rounds, warm_up, environments)
    return {name: cost.seconds for name, cost in costs.items()}


def costs_side_by_side(commands, rounds, warm_up=3, environments={}):
    """The medians of time and of CPU time, which other programs disturb less."""
    costs = {name: [] for name in commands}
    for turn in range(-warm_up, rounds):
        for name in random.Random(turn).sample(list(commands), len(commands)):
            cost = once(commands[name], environments.get(name))
            if turn >= 0:
                costs[name].append(cost)
    return {name: Cost(*map(statistics.median, zip(*values))) for name, values in costs.items()}


def peak_memory(command, environment=None):
    """KiB that `command` itself held at most."""
    return peak_memory_and_time(command, environment)[0]


def peak_memory_and_time(command, environment=None):
    """KiB that `command` itself held at most, by GNU time (Python's own size would show in a child of Python), and the
    seconds that it took."""
    read, write = os.pipe()
    os.set_inheritable(write, True)
    actions = QUIET + [(os.POSIX_SPAWN_DUP2, write, 9)]
    begun = time.perf_counter()
    pid = os.posix_spawn("/usr/bin/time", ["time", "-f", "%M", "-o", "/dev/fd/9", *command], environment or os.environ,
                         file_actions=actions)
    os.close(write)
    with os.fdopen(read) as reader:
        text = reader.read()
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - begun
    if status != 0:
        raise Failed(f"{' '.join(command)} ended with status {os.waitstatus_to_exitcode(status)}: {text}")
    return int(text.split()[-1]), took
