# SPDX-License-Identifier: Apache-2.0
"""A fault proxy that reads Kafka's requests, and swallows some: their client waits for an answer that never comes."""

import struct

from harness.fault_proxy import FaultProxy, end

OFFSET_FETCH, LEAVE_GROUP = 9, 13


class RequestProxy(FaultProxy):
    def __init__(self):
        super().__init__()
        # Requests as (number of the API, client.id), and how many of them were swallowed.
        self.swallows, self.swallowed = set(), 0

    def _pump(self, source, sink, from_client):
        if not from_client:
            return super()._pump(source, sink, from_client)
        try:
            with source.makefile("rb") as requests:
                while len(size := requests.read(4)) == 4:
                    request = requests.read(*struct.unpack(">i", size))
                    api, _, _, length = struct.unpack_from(">hhih", request)
                    if (api, request[10:10 + length].decode()) in self.swallows:
                        self.swallowed += 1
                    else:
                        sink.sendall(size + request)
        except (OSError, ValueError):
            pass
        end(source)
        end(sink)
