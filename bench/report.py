#!/usr/bin/env python3
"""Makes docs/performance.md out of report.md and of what the run left in run/.

A run of less than everything is written to run/performance.md instead: what stands in docs/ is one whole run.
"""
import json
import os
import re
from collections import defaultdict
from statistics import median

import rig
from targets import targets

QUERIES, LATENCIES = ("Q1", "Q2", "Q3"), (0, 20)
UNITS = {"cpu_us": ("{:,.0f} µs", 1), "p50_ms": ("{:.1f} ms", 1), "p99_ms": ("{:.1f} ms", 1), "rps": ("{:,.0f}/s", 1)}
NONE = "–"
# What cannot be said of a sample in which nothing was answered in time; what that has cost can.
OF_ANSWERS = ("rps", "p50_ms", "p99_ms")


def read(name):
    try:
        with open(os.path.join(rig.RUN, name), encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except FileNotFoundError:
        return []


class Samples:
    """Samples by what was measured, and their medians over the rounds."""

    def __init__(self, rows):
        self.rows = rows
        self.cells = defaultdict(dict)
        for row in rows:
            if not row["odd"]:
                key = row["mode"], row["server"], row["query"], row["latency"], row["connections"]
                self.cells[key][row["round"]] = row

    def value(self, mode, server, query, latency, connections, what):
        rows = self.cells[mode, server, query, latency, connections].values()
        found = [row[what] for row in rows if row["answers"] or what not in OF_ANSWERS]
        return median(found) if found else None

    def ratio(self, mode, server, query, latency, connections, what, to=("reference", None)):
        """Median of the ratios to another server (in a mode of its own) in the same round."""
        base = self.cells[to[1] or ("cold" if mode == "cold" else "warm"), to[0], query, latency, connections]
        rows = self.cells[mode, server, query, latency, connections]
        both = [row[what] / base[turn][what] for turn, row in rows.items()
                if base.get(turn, {}).get(what) and (row["answers"] or what not in OF_ANSWERS)]
        return median(both) if both else None


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def times(ratio):
    if ratio is None:
        return NONE
    places = "{:,.0f}" if ratio >= 100 else "{:.1f}" if ratio >= 10 else "{:.2f}" if ratio >= 0.1 else "{:.2g}"
    return places.format(ratio)


def comparison(samples, mode, what, connections):
    """A table of all servers, of which the reference shows what it takes and the others multiples of that."""
    cells = [(query, latency) for query in QUERIES for latency in LATENCIES]
    rows = []
    for server, spec in rig.SERVERS.items():
        for kind in (mode, "records") if mode == "warm" else (mode,):
            if kind not in spec["modes"]:
                continue
            title = spec["title"] + (", records only" if kind == "records" else "")
            if what == "calls":
                found = [samples.value(kind, server, *cell, connections, what) for cell in cells]
                shown = [NONE if value is None else f"{value:.2f}" for value in found]
            elif server == "reference":
                found = [samples.value(kind, server, *cell, connections, what) for cell in cells]
                shown = [NONE if value is None else UNITS[what][0].format(value) for value in found]
            else:
                shown = [times(samples.ratio(kind, server, *cell, connections, what)) for cell in cells]
            if any(cell != NONE for cell in shown):
                rows.append([f"**{title}**" if server == "spine" else title, *shown])
    return table(["", *(f"{query}, {latency} ms" for query, latency in cells)], rows)


def keeps():
    """Who keeps what, in a sentence each."""
    servers = defaultdict(list)
    for spec in rig.SERVERS.values():
        for mode, how in spec["modes"].items():
            if "keeps" in how:
                servers[how["keeps"]].append(spec["title"] + (", records only" if mode == "records" else ""))
    return "What is kept, for an hour:\n\n" + "\n".join(f"- {what}: {', '.join(who)}" for what, who in servers.items())


def memory(samples):
    rows = []
    for server, spec in rig.SERVERS.items():
        cells = []
        for mode in ("cold", "warm"):
            own = [row for row in samples.rows if row["server"] == server and row["mode"] == mode]
            cells += [f"{own[-1]['rss_mb']:.0f}", f"{max(row['peak_mb'] for row in own):.0f}"] if own else [NONE, NONE]
        if any(cell != NONE for cell in cells):
            rows.append([spec["title"], *cells])
    return table(["", "cold, after all", "cold, peak", "warm, after all", "warm, peak"], rows)


def waves(rows):
    if not rows:
        return NONE
    lines = []
    for server in ("reference", "spine"):
        for link, title in (("first", "the first time"), ("known", "link known")):
            own = [row for row in rows if row["server"] == server and row["link"] == link]
            lines.append([f"{rig.SERVERS[server]['title']}, {title}", *(
                f"{median(row[what] for row in own):.1f}" for what in ("p50_ms", "p99_ms")),
                f"{median(row['calls'] for row in own):.2f}"])
    return table(["", "p50, ms", "p99, ms", "calls per query"], lines)


def growth(rows):
    """The table, and what each deal more costs at the large end."""
    sizes = defaultdict(list)
    for row in rows:
        sizes[row["deals"]].append(row)
    points = {size: {"ms": median(row["ms"] for row in own), "peak": max(row["peak_mb"] for row in own),
                     "calls": own[-1]["calls"], "answers": own[-1]["answers"]} for size, own in sizes.items()}
    unit = points.get(1000, {}).get("ms", 0) / 1000
    lines = [[f"{size:,}", f"{at['ms']:,.1f}", times(at["ms"] / size / unit) if unit else NONE, at["answers"],
              at["calls"], f"{at['peak']:.0f}"] for size, at in sorted(points.items())]
    shown = table(["deals", "ms", "time per deal, × that of 1,000", "answers", "calls", "peak, MB"], lines)
    if not {1000, 10000} <= set(points):
        return shown, None
    small, large = points[1000], points[10000]
    return shown, {"calls": (large["calls"] - small["calls"]) / 9, "time": (large["ms"] - small["ms"]) / 9 / small["ms"],
                   "memory": (large["peak"] - small["peak"]) / 9}


def slope(found):
    if not found:
        return ""
    return (f"From 1,000 to 10,000 deals each thousand more costs {found['time']:.2f} times what the first thousand "
            f"did, {found['calls']:.1f} calls and {found['memory']:.1f} MB of peak memory.")


def portfolio(rows):
    """The table, and what each thousand deals more costs at the large end in memory."""
    lines = []
    for row in rows:
        made, bound = sum(row["calls"].values()), sum(row["bound"].values())
        lines.append([f"{row['deals']:,}", f"{row['projects']:,}", f"{row['seconds']:.1f}", f"{row['cpu_seconds']:.1f}",
                      f"{made:,}", f"{bound:,}", times(made / bound), f"{row['peak_mb']:.0f}"])
    head = ["deals", "projects", "s", "s on a core", "calls", "bound", "×", "peak, MB"]
    shown = table(head, lines) if lines else NONE
    sizes = sorted(rows, key=lambda row: row["deals"])
    if len(sizes) < 2:
        return shown, None
    small, large = sizes[-2:]
    return shown, {"memory": (large["peak_mb"] - small["peak_mb"]) / (large["deals"] - small["deals"]) * 1000,
                   "from": small["deals"], "to": large["deals"]}


def portfolio_slope(found):
    if not found:
        return ""
    return (f"From {found['from']:,} to {found['to']:,} deals each thousand more costs {found['memory']:.2f} MB of peak "
            "memory.")


def overload(rows):
    """What was seen, in a table."""
    found, lines = {row["part"]: row for row in rows}, []
    if row := found.get("storm"):
        lines += [
            [f"{row['times']} times the peak, for {row['seconds']} s: answers, × the peak", times(row["ratio"])],
            ["of all that were asked: refused", f"{row['refused'] / (row['refused'] + row['answered'] + row['odd']):.0%}"],
            ["refused without saying when to come back, or failed otherwise",
             f"{row['refused'] - row['told_when'] + row['odd']:,}"],
            ["time to refuse, p50 and p99", f"{row['refused_p50_ms']:.1f} ms, {row['refused_p99_ms']:.1f} ms"],
            ["memory, × what it was before", times(row["peak_mb"] / row["before_mb"])],
            ["answers as fast as ever, after", f"{row['well_again_s']:.1f} s"],
        ]
    if row := found.get("idle"):
        lines += [
            [f"{row['sockets']:,} idle connections: time to answer others, × p50 and p99",
             f"{times(row['beside_p50_ms'] / row['p50_ms'])}, {times(row['beside_p99_ms'] / row['p99_ms'])}"],
            ["memory of each", f"{row['kb_each']:.0f} KB"],
        ]
    if row := found.get("herd"):
        lines += [[f"{row['asked']:,} ask for the same at once: answered", f"{row['answered']:,}"],
                  ["calls to the system", row["calls"]]]
    return table(["", ""], lines) if lines else NONE


def instructions(rows):
    counts = {(row["server"], row["mode"], row["query"]): row["instructions"] for row in rows}
    lines = []
    for mode in ("cold", "warm"):
        for query in QUERIES:
            pair = [counts.get((server, mode, query)) for server in ("reference", "spine")]
            if all(pair):
                lines.append([f"{query}, {mode}", *(f"{count:,}" for count in pair), times(pair[1] / pair[0])])
    return table(["", "reference", "Spine", "×"], lines)


def main():
    samples = Samples(read("samples.jsonl"))
    with open(os.path.join(rig.RUN, "about.json"), encoding="utf-8") as file:
        about = json.load(file)
    wave_rows, (growth_table, growth_slope) = read("waves.jsonl"), growth(read("growth.jsonl"))
    portfolio_table, portfolio_growth = portfolio(read("portfolio.jsonl"))
    found = targets(samples, wave_rows, growth_slope, portfolio_growth, read("overload.jsonl"))
    parts = {
        "date": about["date"], "cores": about["cores"], "processor": about["processor"],
        "memory": about["memory_gb"], "system": about["system"],
        "commit": about["commit"] + (", with changes" if about["changed"] else ""),
        "rounds": len({row["round"] for row in samples.rows}) or NONE, "keeps": keeps(), "memory table": memory(samples),
        **{query: rig.QUERIES[query]["what"] for query in QUERIES},
        "targets": table(["target", "measured", ""], found), "waves": waves(wave_rows),
        "growth": growth_table, "slope": slope(growth_slope), "instructions": instructions(read("instructions.jsonl")),
        "overload": overload(read("overload.jsonl")), "portfolio": portfolio_table, "portfolio slope": portfolio_slope(portfolio_growth),
        "versions": table(["", ""], about["versions"].items()).replace("|---|---:|", "|---|---|"),
    }
    names = {"cpu": "cpu_us", "p50": "p50_ms", "p99": "p99_ms"}

    def part(match):
        if match[1] in parts:
            return str(parts[match[1]])
        mode, what, connections = match[1].split()
        return comparison(samples, mode, names.get(what, what), int(connections))

    with open(os.path.join(rig.HERE, "report.md"), encoding="utf-8") as file:
        text = re.sub(r"\{\{(.+?)\}\}", part, file.read())
    whole = all(
        samples.value(mode, server, query, latency, connections, "cpu_us") is not None
        for server, spec in rig.SERVERS.items() for mode in spec["modes"]
        for query in QUERIES for latency in LATENCIES for connections in ((64, 8) if mode == "cold" else (64,))
    ) and growth_slope and portfolio_growth and wave_rows and read("instructions.jsonl") and len(read("overload.jsonl")) == 3
    path = os.path.join(rig.HERE, "../docs" if whole else "run", "performance.md")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"{os.path.relpath(path)} is written" + ("" if whole else ": not all was measured, so docs/ stays as it is"))
    for row in samples.rows:
        if row["errors"] or row["odd"] or not row["answers"]:
            print("look at this sample:", json.dumps(row))


if __name__ == "__main__":
    main()
