#!/usr/bin/env python3
"""All servers against each other, in alternation: who is asked first changes from round to round.

Environment (all optional): PEERS, QUERIES, MODES, LATENCIES, CONNECTIONS, ROUNDS, SECS; see README.md.
Writes run/samples.jsonl, a sample a line.
"""
import statistics

import rig

# How many different deals (or beginnings of a list) are asked for. Warm, few enough to be all in every cache.
VARIETY = {"cold": 9_000, "warm": 50, "records": 50}


def sample(stub, server, query, variety, connections, secs, offset):
    """One sample. A query that is still under way when the load ends has cost something, so it counts among those that
    were sent, and the server comes to rest before its costs are read."""
    stub.reset()
    server.forget_peak()
    cpu = server.cpu_us()
    seen = rig.fire(server, query, rig.deals(variety), connections, secs, offset)
    server.come_to_rest()
    sent = seen["answers"] + connections
    return {
        "rps": round(seen["answers"] * 1e6 / seen["us"], 1),
        "p50_ms": round(seen["p50_us"] / 1000, 2),
        "p99_ms": round(seen["p99_us"] / 1000, 2),
        "cpu_us": round((server.cpu_us() - cpu) / sent, 2),
        "calls": round(stub.calls() / sent, 3),
        "rss_mb": server.memory_mb(),
        "peak_mb": server.memory_mb("VmHWM"),
        "answers": seen["answers"],
        "bytes": round(seen["bytes"] / max(seen["answers"], 1)),
        "errors": seen["errors"],
    }


def warm_up(server, query, variety):
    """Asks until compilers and caches are warm: how long an answer is, and how many there are a second."""
    length = statistics.mean(len(server.ask(query, n)) for n in rig.deals(variety)[:50])
    seen = rig.fire(server, query, rig.deals(variety), 16, 2)
    return length, seen["answers"] * 1e6 / seen["us"]


def duration(connections, rate):
    """Seconds of a sample: long enough for each connection to be answered twice or more, within reason."""
    secs = rig.number("SECS", 2)
    return round(min(max(secs, 2 * connections / max(rate, 1)), 4 * secs))


def phase(stub, modes, results):
    """Samples of all servers that have one of these modes, in turn."""
    queries, rounds = rig.choice("QUERIES", "Q1,Q2,Q3"), rig.number("ROUNDS", 3)
    connections = list(map(int, rig.choice("CONNECTIONS", "64,8")))
    if "cold" not in modes:
        connections = connections[:1]  # Where nothing waits for a system, fewer connections show nothing else.
    servers, usual = [], {}
    try:
        for name in rig.choice("PEERS", ",".join(rig.SERVERS)):
            for mode in modes:
                if mode in rig.SERVERS[name]["modes"]:
                    servers.append(rig.Server(name, mode))
        for server in servers:
            for query in queries:
                usual[server, query] = warm_up(server, query, VARIETY[server.mode])
        for turn in range(rounds):
            first = turn % max(len(servers), 1)
            for latency in map(int, rig.choice("LATENCIES", "0,20")):
                stub.latency(latency)
                for query in queries:
                    for count in connections:
                        for server in servers[first:] + servers[:first]:
                            length, rate = usual[server, query]
                            row = sample(stub, server, query, VARIETY[server.mode], count, duration(count, rate),
                                         1_237 * (turn + 1) + latency)
                            # Errors inside a GraphQL answer show in its length; headers are some hundred bytes.
                            odd = row["answers"] > 0 and not 0.85 * length < row["bytes"] < 1.15 * length + 600
                            results.add(round=turn, mode=server.mode, latency=latency, query=query, connections=count,
                                        server=server.name, odd=odd, **row)
            stub.latency(0)
    finally:
        for server in servers:
            server.stop()


def main():
    results = rig.Results("samples.jsonl")
    stub = rig.Stub()
    try:
        wanted = rig.choice("MODES", "cold,warm,records")
        for modes in (["cold"], ["warm", "records"]):
            phase(stub, [mode for mode in modes if mode in wanted], results)
    finally:
        stub.stop()


if __name__ == "__main__":
    main()
