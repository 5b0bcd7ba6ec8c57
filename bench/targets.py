"""What Spine's read path is to reach, and whether it does."""
QUERIES, LATENCIES, CONNECTIONS = ("Q1", "Q2", "Q3"), (0, 20), (64, 8)


def cells(connections=CONNECTIONS, queries=QUERIES):
    return [(query, latency, count) for query in queries for latency in LATENCIES for count in connections]


def worst(found):
    """The highest of the values that are there, with where it is."""
    known = [(value, cell) for cell, value in found.items() if value is not None]
    return max(known, default=(None, None))


def verdict(target, measured, limit, unit="×", at_least=False):
    """A line of the table: what is aimed at, what was seen and where, whether that is enough."""
    value, cell = measured
    if value is None:
        return [target, "not measured", ""]
    where = "{}, {} ms, {} connections".format(*cell) if isinstance(cell, tuple) else cell
    shown = f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return [target, f"{shown} {unit}" + (f" ({where})" if where else ""), "met" if (value >= limit if at_least else value <= limit) else "**missed**"]


def ratios(samples, mode, what, queries=QUERIES, **to):
    return {cell: samples.ratio(mode, "spine", *cell, what, **to) for cell in cells(queries=queries)}


def calls(samples, query, connections=CONNECTIONS):
    """The highest number of calls of any sample, not only of the median."""
    values = {}
    rows = [row for row in samples.rows if row["server"] == "spine" and row["mode"] == "cold"]
    for row in rows:
        if row["query"] == query and row["connections"] in connections:
            cell = query, row["latency"], row["connections"]
            values[cell] = max(values.get(cell, 0), row["calls"])
    return worst(values)


def wave(rows, link):
    times = [row["p50_ms"] for row in rows if row["server"] == "spine" and row["link"] == link]
    return (sorted(times)[len(times) // 2], None) if times else (None, None)


def resident(samples):
    rows = [row for row in samples.rows if row["server"] == "spine"]
    after = {row["mode"]: row["rss_mb"] for row in rows}
    return max(((value, f"after all {mode} samples") for mode, value in after.items()), default=(None, None))


def overloaded(rows):
    """What is to hold while more is asked than can be answered."""
    found = {row["part"]: row for row in rows}

    def seen(part, value):
        return (value(found[part]), None) if part in found else (None, None)

    return [
        verdict("Ten times the peak: at least 0.8 × the answers of the peak", seen("storm", lambda row: row["ratio"]), 0.8,
                at_least=True),
        verdict("Ten times the peak: refused within 10 ms, p99", seen("storm", lambda row: row["refused_p99_ms"]), 10, "ms"),
        verdict("Ten times the peak: memory at most 2 × what it was", seen("storm", lambda row: row["peak_mb"] / row["before_mb"]), 2),
        verdict("Ten times the peak: well again within 5 s", seen("storm", lambda row: row["well_again_s"]), 5, "s"),
        verdict("10,000 idle connections: time to answer others at most 1.25 ×, p50",
                seen("idle", lambda row: row["beside_p50_ms"] / row["p50_ms"]), 1.25),
        verdict("10,000 who ask for the same at once: 1 call", seen("herd", lambda row: row["calls"]), 1, "calls"),
    ]


def targets(samples, wave_rows, growth, portfolio, overload_rows):
    lines = [verdict(f"Cold, CPU per query: at most 2.0 × the reference on {query}",
                     worst(ratios(samples, "cold", "cpu_us", (query,))), 2.0) for query in QUERIES]
    lines += [verdict(f"Cold, calls per query: never above {most} on {query}", calls(samples, query), most, "calls")
              for query, most in (("Q1", 4), ("Q2", 3), ("Q3", 3))]
    lines += [
        verdict("Cold, calls per query: at most 1.5 on Q1 at 64 connections", calls(samples, "Q1", (64,)), 1.5, "calls"),
        verdict("Systems at 20 ms: Q1 in at most 24 ms once the link is known", wave(wave_rows, "known"), 24, "ms"),
        verdict("Systems at 20 ms: Q1 in at most 45 ms the first time", wave(wave_rows, "first"), 45, "ms"),
    ]
    lines += [verdict(f"Warm, CPU per query: at most 2.0 × the reference on {query}",
                      worst(ratios(samples, "warm", "cpu_us", (query,))), 2.0) for query in QUERIES]
    records = worst(ratios(samples, "records", "cpu_us", to=("tailcall", "warm")))
    flat, whole = ((grown["memory"], "per 1,000 deals more") if grown else (None, None) for grown in (growth, portfolio))
    return lines + [
        verdict("Warm from records alone, without whole answers: at most 0.5 × Tailcall's CPU per query", records, 0.5),
        verdict("Memory: at most 100 MB resident after all", resident(samples), 100, "MB"),
        verdict("Memory: flat in the number of deals for a paged walk (less than 1 MB per 1,000)", flat, 1, "MB"),
        verdict("Memory: flat in the number of deals for a report (less than 1 MB per 1,000)", whole, 1, "MB"),
        *overloaded(overload_rows),
    ]
