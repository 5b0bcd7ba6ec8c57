#!/usr/bin/env python3
"""What a report over the whole portfolio takes, as the company grows: the margin by vertical over the demo's three systems.

The systems run in a process of their own (`spine demo`), so that the time on a core and the memory are Spine's alone. They
count their calls. Environment: PORTFOLIO. Writes run/portfolio.jsonl.
"""
import json
import math
import os
import subprocess
import threading
import time

import rig

CONFIG = ("../src/demo/spine.toml", "../src/demo/sap/connection.toml")
# Who is asked for what, and how much a call brings at most by the vendors' documentation: rows of a page, or keys of a
# question. Over all deals, or all projects. Everything else is asked once, or is a page of the books at the end.
LIMITS = {
    "hubspot": {"deals.list": ("deals", 100), "deals.search": ("projects", 100), "deals.associations.companies": ("deals", 1000)},
    "redmine": {"projects.list": ("projects", 100)},
    "sap": {name: ("projects", 50) for name in (
        "Invoices", "CreditNotes", "Projects", "PurchaseInvoices.join", "PurchaseCreditNotes.join",
        "PurchaseDeliveryNotes.join", "PurchaseOrders.join", "SQLQueries.list")},
}


class Company(rig.Demo):
    """The demo's systems of a company of so many deals."""

    def __init__(self, deals):
        super().__init__("--today", "2026-11-01", "--deals", str(deals))
        self.systems = self.urls["systems"]

    def config(self):
        """The demo's configuration, as a file; a large company may take its time."""
        text = ""
        for part in CONFIG:
            with open(os.path.join(rig.HERE, part), encoding="utf-8") as file:
                text += file.read() + "\n"
        places = {"{hubspot}": "hubspot", "{redmine}": "redmine", "{erp}": "sap"}
        for place, system in places.items():
            text = text.replace(place, self.systems[system])
        text = text.replace("{erp_name}", "sap").replace("[reports]\n", "[reports]\ndeadline = \"30m\"\n", 1)
        path = os.path.join(rig.RUN, "portfolio.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def forget_calls(self):
        for url in self.systems.values():
            rig.post(f"{url}/_demo/reset")

    def calls(self):
        return {name: json.loads(rig.post(f"{url}/_demo/stats", method="GET"))["calls"]
                for name, url in self.systems.items()}


def run(config):
    """Runs the report; its seconds, its seconds on a core, the most memory that it held, and how many projects it is about."""
    out = os.path.join(rig.RUN, "portfolio.json")
    command = [rig.SPINE, "report", "margin-by-vertical", "-c", config, "--format", "json", "--out", out]
    with open(os.path.join(rig.RUN, "portfolio.log"), "ab") as log:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=log, stderr=log)
        # The report's own deadline ends it long before; a hang must not.
        guard = threading.Timer(2400, process.kill)
        guard.start()
        _, status, used = os.wait4(process.pid, 0)
        guard.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the report ended with {process.returncode}: see {log.name}")
    seconds = time.monotonic() - began
    with open(out, encoding="utf-8") as file:
        projects = sum(row["project_count"] or 0 for row in json.load(file))
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, projects


def main():
    results = rig.Results("portfolio.jsonl")
    for deals in map(int, rig.choice("PORTFOLIO", "1000,10000,100000")):
        company = Company(deals)
        try:
            company.forget_calls()
            seconds, cpu, peak, projects = run(company.config())
            made = company.calls()
        finally:
            company.stop()
        records = {"deals": deals, "projects": projects}
        bound = {name: sum(math.ceil(records[what] / most) for what, most in of.values()) for name, of in LIMITS.items()}
        made = {name: sum(calls.values()) for name, calls in made.items()}
        results.add(**records, seconds=round(seconds, 2), cpu_seconds=round(cpu, 2), peak_mb=round(peak, 1), calls=made,
                    bound=bound)


if __name__ == "__main__":
    main()
