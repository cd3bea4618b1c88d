# SPDX-License-Identifier: Apache-2.0
"""Ports on 127.0.0.1 for servers of tests, which no other test run takes at the same time."""

import errno
import os
import socket

# Below the ports that the kernel gives to clients (from 32768), so that none of them is taken by a connection.
FIRST, END, BLOCK = 20000, 32760, 40
_held = []


def reserve(count):
    """The first of `count` free ports in a row. They are reserved until this process ends."""
    assert count <= BLOCK
    blocks = range(FIRST, END - BLOCK, BLOCK)
    start = os.getpid() % len(blocks)
    for base in [*blocks[start:], *blocks[:start]]:
        if _is_reserved(base) and all(map(_is_free, range(base, base + count))):
            return base
    raise RuntimeError(f"no {count} free ports in a row between {FIRST} and {END}")


def _is_reserved(base):
    """Takes a name for the block that the kernel frees when this process ends, however that comes about."""
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0algo-run-test-ports-{base}")
    except OSError as problem:
        name.close()
        if problem.errno != errno.EADDRINUSE:
            raise
        return False
    _held.append(name)
    return True


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
