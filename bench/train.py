#!/usr/bin/env python3
"""The load under which a release learns which of its code is used: see ../deploy/release.sh.

The three queries over the stub, in each of Spine's modes, and what people ask of the demo's company with each of its ERPs: cards,
lists with figures, reports, the feed. What is never asked here works all the same; it lies farther away.
"""
import json

import rig
from run import VARIETY

ERPS = ("sap", "quickbooks", "netsuite", "odoo")
MONEY = "{ amount currency }"
SOURCE = "source { system recordId asOf status ageMs }"
FIGURES = f"""financials {{
  contractValue {MONEY} invoiced {MONEY} outstanding {MONEY} overdue {MONEY} actualCost {MONEY} margin {MONEY} marginPct
  completeness {{ included excluded reasons }} sources {{ system status ageMs }}
}}"""
DEAL = f"""id name stage amount {MONEY} client {{ name country }} owner {{ name }} {SOURCE}
project {{
  id name health healthReason percentComplete openCriticalIncidents {SOURCE}
  tickets {{ id subject status priority owner {{ name }} }} invoices {{ id number status net {MONEY} dueDate }}
}}"""
QUESTIONS = [
    f'{{ deal(by: {{ projectId: "PRJ-2026-028" }}) {{ {DEAL} {FIGURES} }} }}',
    f"{{ deals(first: 50) {{ nodes {{ {DEAL} {FIGURES} }} pageInfo {{ hasNextPage endCursor }} }} }}",
    "{ deals(first: 200) { nodes { id name stage } } }",
]
PAGES = ["reports/margin-by-vertical.csv", "reports/overdue-receivables.csv", "odata/Deals", "odata/Invoices",
         "graphiql", "reports"]


def the_stub():
    """Every mode, with systems that take their time and with systems that answer at once, alone and in a crowd."""
    stub = rig.Stub()
    try:
        for mode in rig.SERVERS["spine"]["modes"]:
            server = rig.Server("spine", mode)
            try:
                for latency in (20, 0):
                    stub.latency(latency)
                    for query in ("Q1", "Q2", "Q3"):
                        for connections in (8, 64):
                            rig.fire(server, query, rig.deals(VARIETY[mode]), connections, 3)
            finally:
                server.stop()
    finally:
        stub.stop()


def the_demo(erp):
    """Everything is asked with what is kept and without, twenty times each."""
    demo = rig.Demo("--today", "2026-11-25", "--erp", erp)
    try:
        graph = demo.urls["graphql"]
        for headers in ({}, {"cache-control": "no-cache"}) * 20:
            for question in QUESTIONS:
                answer = rig.post(graph, json.dumps({"query": question}).encode(), headers)
                if b'"errors"' in answer:
                    raise SystemExit(f"the demo with {erp} answers with an error: {answer[:2000].decode()}")
            for page in PAGES:
                rig.post(graph.replace("graphql", page), headers=headers, method="GET")
    finally:
        demo.stop()


def main():
    the_stub()
    for erp in ERPS:
        the_demo(erp)


if __name__ == "__main__":
    main()
