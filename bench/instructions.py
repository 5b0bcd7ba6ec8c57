#!/usr/bin/env python3
"""Instructions per query, counted by valgrind: the figure that no other work on the machine disturbs.

Spine and the reference, with one worker each, are asked the same requests one after another. A first pass over them is
not counted. Writes run/instructions.jsonl.
"""
import glob
import http.client
import os
import subprocess
import time
from urllib.parse import urlsplit

import rig

# How many different requests are counted.
COUNTED = {"Q1": 50, "Q2": 10, "Q3": 5}


def ask_all(server, query):
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
    for n in rig.deals(COUNTED[query]):
        connection.request("POST", parts.path, rig.body(server.name, query, n),
                           {"content-type": "application/json", **server.headers})
        if b'"errors"' in connection.getresponse().read():
            raise SystemExit(f"{server.name} answers {query} with an error: see {server.log}")
    connection.close()


def tell(server, *command):
    subprocess.run(["vgdb", f"--pid={server.pid}", *command], check=True, capture_output=True, timeout=60)


def count(server, query, out):
    """Instructions of one query, on average."""
    ask_all(server, query)
    time.sleep(0.5)
    tell(server, "zero")
    ask_all(server, query)
    time.sleep(0.5)
    tell(server, "dump", query)
    newest = max(glob.glob(out + ".*"), key=os.path.getmtime)
    with open(newest, encoding="utf-8") as file:
        total = next(int(line.split()[1]) for line in file if line.startswith(("totals:", "summary:")))
    return round(total / COUNTED[query])


def main():
    results, stub = rig.Results("instructions.jsonl"), rig.Stub()
    try:
        for mode in ("cold", "warm"):
            for name in ("reference", "spine"):
                out = os.path.join(rig.RUN, f"callgrind.{name}.{mode}")
                wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
                server = rig.Server(name, mode, wrapper, {"WORKERS": "1", "TOKIO_WORKER_THREADS": "1"})
                try:
                    for query in COUNTED:
                        results.add(server=name, mode=mode, query=query, instructions=count(server, query, out))
                finally:
                    server.stop()
    finally:
        stub.stop()


if __name__ == "__main__":
    main()
