#!/usr/bin/env python3
"""What Spine needs to walk through all deals with project, invoices and figures, as the company grows.

Each size has its own stub and its own Spine. The walk is one list, read 200 deals at a time by its cursors, and nothing
is taken from a cache. Environment: SIZES. Writes run/growth.jsonl.
"""
import http.client
import json
import time
from urllib.parse import urlsplit

import rig

WALKS = 3


def walk(server):
    """Reads the list to its end: how many deals, bytes and answers that was."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    deals, size, answers, after = 0, 0, 0, None
    while True:
        asked = {"query": rig.QUERIES["walk"]["spine"], "variables": {"first": 200, "after": after}}
        headers = {"content-type": "application/json", **server.headers}
        connection.request("POST", parts.path, json.dumps(asked), headers)
        text = connection.getresponse().read()
        answer = json.loads(text)
        if "errors" in answer:
            raise SystemExit(f"the walk ended in an error: {answer['errors'][0]}")
        page = answer["data"]["deals"]
        deals, size, answers = deals + len(page["nodes"]), size + len(text), answers + 1
        if not page["pageInfo"]["hasNextPage"]:
            connection.close()
            return deals, size, answers
        after = page["pageInfo"]["endCursor"]


def main():
    results = rig.Results("growth.jsonl")
    for size in map(int, rig.choice("SIZES", "1,10,100,1000,10000")):
        stub = rig.Stub(size)
        server = None
        try:
            server = rig.Server("spine")
            for turn in range(WALKS):
                before = server.memory_mb()
                stub.reset()
                server.forget_peak()
                began, cpu = time.monotonic(), server.cpu_us()
                deals, length, answers = walk(server)
                took = time.monotonic() - began
                if deals != size:
                    raise SystemExit(f"the walk over {size} deals met {deals}")
                results.add(deals=size, walk=turn, ms=round(took * 1000, 2), cpu_ms=(server.cpu_us() - cpu) / 1000,
                            calls=stub.calls(), answers=answers, bytes=length, before_mb=before,
                            peak_mb=server.memory_mb("VmHWM"))
        finally:
            for process in filter(None, [server, stub]):
                process.stop()


if __name__ == "__main__":
    main()
