# SPDX-License-Identifier: Apache-2.0
"""A fault proxy that reads Kafka's requests, and swallows some: their client waits for an answer that never comes. Others it
holds or delays: their client waits for as long as a test wants."""

import struct
import time

from harness.fault_proxy import FaultProxy, end

PRODUCE, METADATA, OFFSET_FETCH, LEAVE_GROUP = 0, 3, 9, 13
INIT_PRODUCER_ID, ADD_PARTITIONS_TO_TXN, DESCRIBE_CONFIGS = 22, 24, 32


class RequestProxy(FaultProxy):
    def __init__(self):
        super().__init__()
        # Requests as (number of the API, client.id), and how many of them were swallowed.
        self.swallows, self.swallowed = set(), 0
        # Requests that wait here while they are in this set, and with them whatever follows on their connection.
        self.holds = set()
        # Seconds that each request takes on its way, by client.id.
        self.slow = {}

    def _pump(self, source, sink, from_client):
        if not from_client:
            return super()._pump(source, sink, from_client)
        try:
            with source.makefile("rb") as requests:
                while len(size := requests.read(4)) == 4:
                    request = requests.read(*struct.unpack(">i", size))
                    api, _, _, length = struct.unpack_from(">hhih", request)
                    kind = (api, request[10:10 + length].decode())
                    # The time itself is the fault.
                    time.sleep(self.slow.get(kind[1], 0))
                    while kind in self.holds:
                        time.sleep(0.02)
                    if kind in self.swallows:
                        self.swallowed += 1
                    else:
                        sink.sendall(size + request)
        except (OSError, ValueError):
            pass
        end(source)
        end(sink)
