#!/usr/bin/env python3
"""One client with time to spare, beside a load generator that has none: how long Spine takes to refuse a request.

    probe.py URL SECONDS

It goes before all else on its core where it may (as root), asks one question fifty times a second over one connection, and
prints the times of the refusals in ms, and by how much it was itself late.
"""
import json
import os
import socket
import sys
import time
from urllib.parse import urlsplit

import rig

EVERY = 0.02
# Not valid, so that it costs nothing where there is room for it.
QUESTION = b'{"query":"{ nothing }"}'


def go_first():
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass


def ask(connection, request):
    """Status and seconds of an answer."""
    began, received = time.perf_counter(), b""
    connection.sendall(request)
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += receive(connection)
    head = received[:end].lower()
    length = end + 4 + int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
    while len(received) < length:
        received += receive(connection)
    return int(head[9:12]), time.perf_counter() - began


def receive(connection):
    data = connection.recv(1 << 16)
    if not data:
        raise SystemExit("the connection was closed")
    return data


def main():
    url, secs = urlsplit(sys.argv[1]), float(sys.argv[2])
    go_first()
    head = (f"POST {url.path} HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(QUESTION)}\r\n\r\n").encode()
    connection = socket.create_connection((url.hostname, url.port), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    refused, late = [], []
    next_one = began = time.perf_counter()
    while next_one < began + secs:
        status, took = ask(connection, head + QUESTION)
        if status == 503:
            refused.append(took)
        next_one = max(next_one + EVERY, time.perf_counter())
        time.sleep(max(0, next_one - time.perf_counter()))
        late.append(max(0, time.perf_counter() - next_one))
    print(json.dumps({"refused": len(refused), "p50_ms": rig.at(refused, 0.5), "p99_ms": rig.at(refused, 0.99),
                      "late_p99_ms": rig.at(late, 0.99)}))


if __name__ == "__main__":
    main()
