#!/usr/bin/env python3
"""What Spine does with more than it can: ten times what it can answer, 10,000 connections that say nothing, 10,000 who ask for the
same at once.

Where there are cores enough Spine has some to itself, and the load and the systems the others. Environment: OVERLOAD, the seconds
of the overload. Writes run/overload.jsonl.
"""
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from urllib.parse import urlsplit

import rig

# A page of the walk: it costs far more than its refusal, so that a load generator of one process can ask ten times too often.
QUERY, ROWS, LATENCY_MS = "walk", 200, 20
TIMES, SOCKETS, HERD = 10, 10_000, 10_000
# Fewer than Spine takes by its defaults.
CONNECTIONS = 900
DEFAULTS = {"max_requests    = 4096\n": ""}
ROOM = {"max_requests    = 4096\n": f"max_requests = {2 * HERD}\nmax_connections = {2 * SOCKETS}\nidle_timeout = \"10m\"\n"}


class Overloaded(rig.Server):
    """Spine with other limits at its door, on cores of its own."""

    def __init__(self, limits):
        self.limits = limits
        cores = sorted(os.sched_getaffinity(0))
        own = cores[: len(cores) // 2]
        super().__init__("spine", "cold", ["taskset", "-c", ",".join(map(str, own))] if own else [])
        if own:
            for process in (self, STUB):
                for pid in process.family():
                    os.sched_setaffinity(pid, own if process is self else cores[len(own):])
            os.sched_setaffinity(0, cores[len(own):])

    def config(self, port, more):
        path = super().config(port, more)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for line, other in self.limits.items():
            if line not in text:
                raise SystemExit(f"bench/spine.toml has no line {line!r}")
            text = text.replace(line, other)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Connection(asyncio.Protocol):
    """One connection, and one question at a time."""

    def __init__(self):
        self.transport, self.answer, self.received, self.length = None, None, bytearray(), None

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, request):
        """What will be answered: status, bytes of the body, whether it says when to come back."""
        self.answer, self.length = asyncio.get_running_loop().create_future(), None
        self.received.clear()
        self.transport.write(request)
        return self.answer

    def data_received(self, data):
        self.received += data
        if self.length is None:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return
            self.head = bytes(self.received[:end]).lower()
            self.length = end + 4 + int(self.head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        if len(self.received) >= self.length and not self.answer.done():
            self.answer.set_result((int(self.head[9:12]), self.length, b"\r\nretry-after: " in self.head))

    def connection_lost(self, _):
        if self.answer and not self.answer.done():
            self.answer.set_result((0, 0, False))


async def connect(server, count):
    parts, loop = urlsplit(server.url), asyncio.get_running_loop()
    made = []
    while len(made) < count:
        some = min(200, count - len(made))
        made += await asyncio.gather(*(loop.create_connection(Connection, parts.hostname, parts.port) for _ in range(some)))
    return [connection for _, connection in made]


def request(server, text):
    parts = urlsplit(server.url)
    headers = {"host": parts.netloc, "content-type": "application/json", "accept": "application/json",
               "content-length": len(text), **server.headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {parts.path} HTTP/1.1\r\n{head}\r\n{text}".encode()


def requests(server, count=200):
    def text(n):
        return json.dumps({"query": rig.QUERIES[QUERY]["spine"], "variables": {"first": ROWS, "after": rig.cursor(f"d{n}")}})
    return [request(server, text(n)) for n in rig.deals(count)]


class Seen:
    """What came of questions."""

    def __init__(self):
        self.good, self.refused, self.odd, self.unsent, self.told = [], [], 0, 0, 0

    async def ask(self, connection, question):
        began = time.perf_counter()
        status, length, when = await connection.ask(question)
        took = time.perf_counter() - began
        if status == 200 and length > 10_000:
            self.good.append(took)
        elif status == 503:
            self.refused.append(took)
            self.told += when
        else:
            self.odd += 1


async def closed(server, count, secs):
    """So many who ask one question after another."""
    seen, end = Seen(), time.perf_counter() + secs
    questions = requests(server)

    async def one(connection, start):
        turn = start
        while time.perf_counter() < end:
            await seen.ask(connection, questions[turn % len(questions)])
            turn += 1

    connections = await connect(server, count)
    await asyncio.gather(*(one(connection, 7 * n) for n, connection in enumerate(connections)))
    for connection in connections:
        connection.transport.abort()
    return seen


async def offered(server, rate, secs):
    """So many questions a second, whether or not those before them are answered."""
    seen, free, running, sent = Seen(), await connect(server, CONNECTIONS), set(), 0
    questions = requests(server)
    began = time.perf_counter()

    async def one(connection, question):
        await seen.ask(connection, question)
        if not connection.transport.is_closing():
            free.append(connection)

    while (now := time.perf_counter() - began) < secs:
        while sent < rate * now:
            sent += 1
            if not free:
                seen.unsent += 1
                continue
            task = asyncio.create_task(one(free.pop(), questions[sent % len(questions)]))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.sleep(0.001)
    within = len(seen.good)
    if running:
        await asyncio.wait(running, timeout=30)
    for connection in free:
        connection.transport.abort()
    return seen, within


async def until_well(server, usual):
    """Seconds until a question is answered as it was before."""
    [connection], began = await connect(server, 1), time.perf_counter()
    question = requests(server, 1)[0]
    while True:
        start = time.perf_counter()
        status, _, _ = await connection.ask(question)
        if status == 200 and time.perf_counter() - start < 2 * usual:
            connection.transport.abort()
            return time.perf_counter() - began
        await asyncio.sleep(0.01)


async def storm(server, results):
    secs, peak = rig.number("OVERLOAD", 60), 0
    alone = rig.at((await closed(server, 1, 3)).good, 0.5)
    for count in (4, 8, 16, 32, 64):
        seen = await closed(server, count, 4)
        peak = max(peak, len(seen.good) / 4)
    server.forget_peak()
    before, cpu = server.memory_mb(), server.cpu_us()
    # The generator is late itself, and cannot say how long a refusal takes.
    probe = subprocess.Popen([sys.executable, "probe.py", server.url, str(secs)], cwd=rig.HERE, stdout=subprocess.PIPE)
    seen, within = await offered(server, TIMES * peak, secs)
    probed = json.loads(probe.communicate()[0])
    results.add(part="storm", times=TIMES, seconds=secs, peak=round(peak, 1), goodput=round(within / secs, 1),
                ratio=round(within / secs / peak, 3), answered=len(seen.good), refused=len(seen.refused),
                told_when=seen.told, odd=seen.odd, unsent=seen.unsent, refused_p50_ms=probed["p50_ms"],
                refused_p99_ms=probed["p99_ms"], probes=probed["refused"], probe_late_p99_ms=probed["late_p99_ms"],
                generator_p50_ms=rig.at(seen.refused, 0.5), generator_p99_ms=rig.at(seen.refused, 0.99),
                answered_p99_ms=rig.at(seen.good, 0.99), before_mb=before, peak_mb=server.memory_mb("VmHWM"),
                cores=round((server.cpu_us() - cpu) / 1e6 / secs, 2),
                well_again_s=round(await until_well(server, alone / 1000), 2))


async def idle(server, results):
    usual = await closed(server, 4, 5)
    before = server.memory_mb()
    sockets = await connect(server, SOCKETS)
    beside = await closed(server, 4, 5)
    open_still = sum(not socket.transport.is_closing() for socket in sockets)
    results.add(part="idle", sockets=open_still, p50_ms=rig.at(usual.good, 0.5), p99_ms=rig.at(usual.good, 0.99),
                beside_p50_ms=rig.at(beside.good, 0.5), beside_p99_ms=rig.at(beside.good, 0.99),
                odd=beside.odd + len(beside.refused),
                kb_each=round((server.memory_mb() - before) * 1024 / SOCKETS, 1))
    for socket in sockets:
        socket.transport.abort()


async def herd(server, results):
    """All ask for a deal that nobody has asked for, while the system takes its time to answer the first."""
    text = json.dumps({"query": "{ deal(by: { id: \"d9876\" }) { name amount { amount } } }"})
    server = type("Asked", (), {"url": server.url, "headers": {}})
    question, connections = request(server, text), await connect(server, HERD)
    STUB.latency(3000)
    STUB.reset()
    answers = await asyncio.gather(*(connection.ask(question) for connection in connections))
    STUB.latency(LATENCY_MS)
    same = {length for status, length, _ in answers if status == 200}
    results.add(part="herd", asked=len(answers), answered=sum(status == 200 for status, _, _ in answers),
                alike=len(same) == 1, calls=STUB.calls())
    for connection in connections:
        connection.transport.abort()


def main():
    global STUB
    # In one process each: the connections at Spine, and their other ends here.
    files = SOCKETS + 2_000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, max(hard, files)))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{files} files must be allowed to be open at once (ulimit -Hn): {error}") from error
    results, STUB = rig.Results("overload.jsonl"), rig.Stub()
    try:
        STUB.latency(LATENCY_MS)
        for limits, parts in ((DEFAULTS, [storm]), (ROOM, [idle, herd])):
            server = Overloaded(limits)
            try:
                for part in parts:
                    asyncio.run(part(server, results))
            finally:
                server.stop()
    finally:
        STUB.stop()


if __name__ == "__main__":
    main()
