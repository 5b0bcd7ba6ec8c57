#!/usr/bin/env python3
"""How long Q1 takes when the systems take 20 ms: for deals that were never asked for, where the project is only known
once the deal is (two waves), and for deals that were asked for before, where everything can be asked at once (one).

Nothing is taken from a cache. Environment: ROUNDS, SECS. Writes run/waves.jsonl.
"""
import rig

CONNECTIONS, LATENCY_MS = 8, 20
KNOWN = 50


def main():
    results, stub, servers = rig.Results("waves.jsonl"), rig.Stub(), []
    rounds, secs = rig.number("ROUNDS", 3), rig.number("SECS", 2)
    # More than can be asked for in a sample, so that no deal comes twice.
    fresh = min(CONNECTIONS * secs * 1000 // LATENCY_MS, (rig.DEALS - KNOWN) // rounds)
    known = rig.deals(KNOWN, rig.DEALS - KNOWN)
    try:
        servers = [rig.Server(name) for name in ("reference", "spine")]
        for server in servers:
            for n in known:
                server.ask("Q1", n)
        stub.latency(LATENCY_MS)
        for turn in range(rounds):
            for server in servers if turn % 2 else reversed(servers):
                for link, numbers in (("first", rig.deals(fresh, turn * fresh)), ("known", known)):
                    stub.reset()
                    seen = rig.fire(server, "Q1", numbers, CONNECTIONS, secs)
                    server.come_to_rest()
                    results.add(round=turn, server=server.name, link=link, answers=seen["answers"],
                                p50_ms=seen["p50_us"] / 1000, p99_ms=seen["p99_us"] / 1000,
                                calls=round(stub.calls() / (seen["answers"] + CONNECTIONS), 3), errors=seen["errors"])
    finally:
        for process in [*servers, stub]:
            process.stop()


if __name__ == "__main__":
    main()
