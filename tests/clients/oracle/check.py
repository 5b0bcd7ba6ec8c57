"""Computes every cell of every ready report, and of every grouping of the graph, from the facts of the seed, and compares
them with what a Spine answers: `check.py SPINE [ERP:SEED,SEED...]...`. SPINE is the binary.

It starts a demo per ERP and seed and stops it. The standard library is all it needs.
"""

import argparse
import datetime
import json
import pathlib
import subprocess
import sys
import tomllib
import urllib.parse
import urllib.request
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from fractions import Fraction

from books import Company, Settings, Unknown, percent, rounded

# The metrics: sums, and ratios with what stands above and below the line.
SUMS = """deal_count project_count contract_value invoiced left_to_invoice collected outstanding overdue actual_cost
committed_cost margin margin_base estimated_margin estimated_margin_base budget_cost budget_variance budgeted_projects
over_budget_projects eac forecast_margin forecast_margin_base slippage slippage_base recognised backlog wip hours_budgeted
hours_spent support_tickets support_hours support_cost true_margin true_margin_base credit_sales""".split()
RATIOS = {
    "margin_pct": ("margin", "margin_base"),
    "estimated_margin_pct": ("estimated_margin", "estimated_margin_base"),
    "forecast_margin_pct": ("forecast_margin", "forecast_margin_base"),
    "margin_slippage": ("slippage", "slippage_base"),
    "over_budget_pct": ("over_budget_projects", "budgeted_projects"),
    "true_margin_pct": ("true_margin", "true_margin_base"),
}
METRICS = [*SUMS, *RATIOS, "dso"]
COUNTS = {"deal_count", "project_count", "budgeted_projects", "over_budget_projects", "support_tickets"}
PLAIN = COUNTS | {"hours_budgeted", "hours_spent", "support_hours", "dso", *RATIOS}

DIMENSIONS = """VERTICAL CLIENT DEAL_SIZE DEAL_TYPE DEAL_OWNER PROJECT_MANAGER CLOSE_MONTH CLOSE_QUARTER CLOSE_YEAR STAGE
COUNTRY CURRENCY HEALTH""".split()
PAIRS = [("VERTICAL", "CLOSE_YEAR"), ("CLIENT", "DEAL_SIZE"), ("COUNTRY", "CURRENCY"), ("PROJECT_MANAGER", "HEALTH")]

# The reports by groups: what they are grouped by, their columns for that, and the metric they are ordered by.
GROUPS = {
    "margin-by-vertical": (["VERTICAL"], "margin"),
    "budget-overruns-by-deal-size": (["DEAL_SIZE"], None),
    "support-cost-by-client": (["CLIENT"], "support_cost"),
    "revenue-by-segment": (["VERTICAL", "COUNTRY"], None),
    "margin-by-client": (["CLIENT"], "margin"),
    "project-types-that-make-money": (["DEAL_TYPE"], "margin"),
}
PROJECTS = ("margin-slippage-ranking", "projects-at-risk", "project-kpis")
MEMBER = {"VERTICAL": "vertical", "DEAL_SIZE": "deal_size", "COUNTRY": "country", "DEAL_TYPE": "deal_type"}


def measures(metrics):
    """The sums that metrics are made of."""
    made_of = {**RATIOS, "dso": ("outstanding", "credit_sales")}
    return {measure for metric in metrics for measure in made_of.get(metric, (metric,))}


class Group:
    """Engagements added up."""

    def __init__(self):
        self.sums, self.deals, self.reasons = {}, [], set()
        self.included = self.excluded = 0

    def add(self, engagement, statement, asked):
        for metric, value in statement.known:
            before = self.sums.get(metric)
            self.sums[metric] = before + value if before and value else before or value
        self.deals += [deal["id"] for deal in engagement.deals]
        reasons = {reason for measure, reason in statement.unknown if measure in asked}
        if reasons:
            self.excluded += 1
            self.reasons |= reasons
        else:
            self.included += 1

    def of(self, metric):
        if metric in RATIOS:
            above, below = RATIOS[metric]
            return percent(self.sums.get(above), self.sums.get(below))
        if metric == "dso":
            sales, outstanding = self.sums.get("credit_sales"), self.sums.get("outstanding")
            return rounded(outstanding * 365 / sales, 1) if sales and sales > 0 and outstanding is not None else None
        return self.sums.get(metric)


class Statement:
    """What an engagement says in one currency: what is known of it and what is unknown."""

    def __init__(self, told):
        self.told = told
        self.known = [(metric, told[metric]) for metric in SUMS if isinstance(told[metric], Fraction)]
        self.unknown = [(metric, str(told[metric])) for metric in SUMS if isinstance(told[metric], Unknown)]


class Oracle:
    def __init__(self, company):
        self.company, self.settings = company, company.settings
        self.told = {}

    def statement(self, engagement, currency):
        key = (id(engagement), currency)
        if key not in self.told:
            self.told[key] = Statement(self.company.statement(engagement, currency))
        return self.told[key]

    def member(self, dimension, attributes, told):
        """Value and label of what an engagement is grouped by."""
        if dimension == "CLIENT":
            return attributes["CLIENT"], attributes["client"] or attributes["CLIENT"]
        if dimension == "DEAL_SIZE":
            band = self.band(told["contract_value"]) if told["sold"] else None
            return band, band
        value = attributes[dimension]
        value = value if value and value.strip() else None
        return value, value

    def band(self, value):
        if not isinstance(value, Fraction):
            return None
        bands = self.settings.bands
        at = sum(value >= bound for bound in bands)
        if at == 0:
            return f"1: below {bands[0]}"
        return f"{at + 1}: {bands[at - 1]} and more" if at == len(bands) else f"{at + 1}: {bands[at - 1]} to {bands[at]}"

    def groups(self, dimensions, metrics, currency, keep=None):
        """Rows in the order of what they have in common, "(unassigned)" last, and the total."""
        rows, total, asked = defaultdict(Group), Group(), measures(metrics)
        for engagement in self.company.portfolio(keep):
            statement = self.statement(engagement, currency)
            attributes = self.company.attributes(engagement)
            key = tuple(self.member(dimension, attributes, statement.told) for dimension in dimensions)
            rows[key].add(engagement, statement, asked)
            total.add(engagement, statement, asked)
        order = sorted(rows, key=lambda key: [(value is None, label or "", value or "") for value, label in key])
        return [(key, rows[key]) for key in order], total


class Comparison:
    def __init__(self, name):
        self.name, self.cells, self.differences = name, 0, []

    def same(self, where, expected, found):
        self.cells += 1
        if expected != found:
            self.differences.append(f"{self.name}: {where}: oracle {show(expected)}, product {show(found)}")


def show(value):
    return f"{float(value):.4f}" if isinstance(value, Fraction) else repr(value)


def number(cell):
    return None if cell is None else Fraction(cell)


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.loads(answer.read(), parse_float=Decimal), answer.headers


def ask(url, query):
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer = json.loads(answer.read(), parse_float=Decimal)
    if answer.get("errors"):
        sys.exit(f"the graph answers with errors: {answer['errors'][:2]}")
    return answer["data"]


def compare_group_report(base, oracle, comparison, name, parameters=None, keep=None):
    dimensions, order = GROUPS[name]
    rows, headers = get(f"{base}/reports/{name}.json?{urllib.parse.urlencode(parameters or {})}")
    catalogue = comparison.columns[name]
    metrics = [column for column in catalogue if column in METRICS]
    currency = (parameters or {}).get("currency", oracle.settings.currency)
    expected, total = oracle.groups(dimensions, metrics, currency, keep)
    if order:
        expected.sort(key=lambda row: (row[1].of(order) is None, -(row[1].of(order) or 0)))
    where = f"{name}{parameters or ''}"
    comparison.same(f"{where}: rows", len(expected), len(rows))
    for (key, group), row in zip(expected, rows):
        comparison.same(f"{where}: columns", catalogue, list(row))
        label = " / ".join(str(label) for _, label in key)
        for dimension, (value, member) in zip(dimensions, key):
            if dimension == "CLIENT":
                comparison.same(f"{where}: client_id", value, row["client_id"])
            column = "client" if dimension == "CLIENT" else MEMBER[dimension]
            comparison.same(f"{where}: {column}", member or "(unassigned)", row[column])
        comparison.same(f"{where}: {label}: currency", currency, row["currency"])
        for metric in metrics:
            comparison.same(f"{where}: {label}: {metric}", group.of(metric), number(row[metric]))
        comparison.same(f"{where}: {label}: included", group.included, row["included"])
        comparison.same(f"{where}: {label}: excluded", group.excluded, row["excluded"])
        reasons = (row["reasons"] or "").split()
        comparison.same(f"{where}: {label}: reasons", sorted(group.reasons), sorted(reasons))
    comparison.same(f"{where}: completeness", (total.included, total.excluded, sorted(total.reasons)), told(headers))


def told(headers):
    """The header X-Completeness."""
    text = headers["X-Completeness"]
    included, excluded, reasons = text.split(", ")
    return int(included[9:]), int(excluded[9:]), sorted(reasons[9:-1].split())


def compare_project_report(base, oracle, comparison, name):
    company, currency = oracle.company, oracle.settings.currency
    rows, headers = get(f"{base}/reports/{name}.json")
    catalogue = comparison.columns[name]
    metrics = [column for column in catalogue if column in METRICS]
    expected, total, asked = [], Group(), measures(metrics)
    for engagement in company.portfolio():
        if not engagement.project:
            continue
        statement = oracle.statement(engagement, currency)
        group, attributes = Group(), company.attributes(engagement)
        group.add(engagement, statement, asked)
        slippage, signs = group.of("margin_slippage"), signs_of(group, attributes, company.today)
        if name == "margin-slippage-ranking":
            if slippage is None:
                continue
            order = (slippage, engagement.project)
        elif name == "projects-at-risk":
            if not signs:
                continue
            # The most signs first, then what is known to slip least, nothing known before all.
            order = (-len(signs), slippage is not None, slippage or 0, engagement.project)
        else:
            order = (engagement.project,)
        total.add(engagement, statement, asked)
        expected.append((order, engagement.project, attributes, group, signs))
    expected.sort(key=lambda row: row[0])
    comparison.same(f"{name}: rows", [row[1] for row in expected], [row["project_id"] for row in rows])
    found = {row["project_id"]: row for row in rows}
    for _, project, attributes, group, signs in expected:
        if project not in found:
            continue
        row = found[project]
        comparison.same(f"{name}: columns", catalogue, list(row))
        words = {
            "project_id": project, "project": attributes["name"], "client_id": attributes["CLIENT"],
            "client": attributes["client"], "vertical": attributes["VERTICAL"], "deal_type": attributes["DEAL_TYPE"],
            "country": attributes["COUNTRY"], "manager": attributes["PROJECT_MANAGER"], "status": attributes["status"],
            "health": attributes["HEALTH"], "health_reason": attributes["reason"], "start_date": attributes["start"],
            "due_date": attributes["due"], "close_date": attributes["close_date"], "currency": currency,
            "signs": " ".join(signs),
        }
        for column in catalogue:
            if column in METRICS:
                comparison.same(f"{name}: {project}: {column}", group.of(column), number(row[column]))
            elif column == "reasons":
                comparison.same(f"{name}: {project}: reasons", sorted(group.reasons), sorted((row[column] or "").split()))
            else:
                comparison.same(f"{name}: {project}: {column}", words[column], row[column])
    comparison.same(f"{name}: completeness", (total.included, total.excluded, sorted(total.reasons)), told(headers))


def signs_of(group, attributes, today):
    running = attributes["status"] not in ("COMPLETED", "CANCELLED")
    due, slippage = attributes["due"], group.of("margin_slippage")
    held = [
        ("HEALTH_RED", running and attributes["HEALTH"] == "RED"),
        ("HEALTH_AMBER", running and attributes["HEALTH"] == "AMBER"),
        ("LATE", running and due is not None and due < today.isoformat()),
        ("OVER_BUDGET", running and (group.of("budget_variance") or 0) < 0),
        ("MARGIN_SLIPPED", running and slippage is not None and slippage <= -5),
        ("OVERDUE_INVOICES", (group.of("overdue") or 0) > 0),
    ]
    return [sign for sign, holds in held if holds]


def compare_overdue(base, oracle, comparison, currency=None):
    """Invoices that are open after their due date. Numbers and codes are those of the books, which spell them their own way."""
    company, name = oracle.company, "overdue-receivables"
    rows, headers = get(f"{base}/reports/{name}.json" + (f"?currency={currency}" if currency else ""))
    currency = currency or oracle.settings.currency
    expected = []
    for sign, document in company.invoices:
        due = datetime.date.fromisoformat(document["due"])
        if sign < 0 or not document["open"] or due >= company.today:
            continue
        def shown(local, foreign):
            if document["currency"] == currency and currency != company.home:
                return Fraction(foreign)
            if currency == company.home:
                return Fraction(local)
            own, code = (local, company.home) if document["currency"] == company.home else (foreign, document["currency"])
            return oracle.settings.convert(Fraction(own), code, currency)
        open_ = Fraction(document["total"]) - Fraction(document["paid"])
        open_fc = Fraction(document["totalFc"]) - Fraction(document["paidFc"])
        expected.append((document["due"], str(document["docNum"]), {
            "client": document["cardName"], "client_id": document["cardCode"], "number": document["docNum"],
            "project_id": document["project"], "issue_date": document["date"], "due_date": document["due"],
            "days_overdue": (company.today - due).days, "currency": currency,
            "total": shown(document["total"], document["totalFc"]), "balance": shown(open_, open_fc),
        }))
    expected.sort(key=lambda row: row[:2])
    where = f"{name} in {currency}"
    comparison.same(f"{where}: rows", len(expected), len(rows))
    comparison.same(f"{where}: order", [row[0] for row in expected], [row["due_date"] for row in rows])
    found = {digits(row["number"]): row for row in rows}
    for _, key, cells in expected:
        row = found.get(digits(key))
        comparison.same(f"{where}: {key}: is there", True, row is not None)
        for column, cell in cells.items() if row else ():
            told_ = row[column]
            if column in ("total", "balance"):
                told_ = number(told_)
            elif column == "number":
                cell, told_ = digits(cell), digits(told_)
            elif column == "client_id":
                cell = partner(comparison.erp, cell)
            comparison.same(f"{where}: {key}: {column}", cell, told_)
    comparison.same(f"{where}: completeness", (len(expected), 0, []), told(headers))


def digits(text):
    return "".join(letter for letter in str(text) if letter.isdigit()).lstrip("0")[-6:]


def partner(erp, code):
    """The key of the customer C00013 in each of the books."""
    number_ = int(code.removeprefix("C"))
    return {"quickbooks": str(number_), "odoo": str(50000 + number_)}.get(erp, code)


def camel(metric):
    first, *rest = metric.split("_")
    return first + "".join(word.capitalize() for word in rest)


FIELDS = " ".join(camel(m) if m in PLAIN else f"{camel(m)} {{ amount currency }}" for m in METRICS)
ROW = f"members {{ value label }} currency {FIELDS} completeness {{ included excluded reasons }}"


def compare_grouping(url, oracle, comparison, dimensions, currency=None, filter_="", keep=None, deals=False):
    arguments = f"groupBy: [{', '.join(dimensions)}]" + (f', currency: "{currency}"' if currency else "") + filter_
    listed = " deals(first: 100) { nodes { id } }" if deals else ""
    query = f"{{ profitability({arguments}) {{ rows {{ {ROW}{listed} }} totals {{ {ROW} }} completeness {{ included excluded reasons }} }} }}"
    answer = ask(url, query)["profitability"]
    currency = currency or oracle.settings.currency
    expected, total = oracle.groups(dimensions, METRICS, currency, keep)
    where = f"graph by {' and '.join(dimensions) or 'nothing'} in {currency}{filter_}"
    comparison.same(f"{where}: members", [[list(m) for m in key] for key, _ in expected],
                    [[[m["value"], m["label"] if m["value"] is not None else None] for m in row["members"]] for row in answer["rows"]])
    for (key, group), row in [*zip(expected, answer["rows"]), *zip([((), total)], answer["totals"])]:
        label = " / ".join(str(label) for _, label in key) or "all"
        for metric in METRICS:
            cell = row[camel(metric)]
            if metric not in PLAIN and cell is not None:
                comparison.same(f"{where}: {label}: currency of {metric}", currency, cell["currency"])
                cell = cell["amount"]
            comparison.same(f"{where}: {label}: {metric}", group.of(metric), number(cell))
        whole = row["completeness"]
        comparison.same(f"{where}: {label}: completeness", (group.included, group.excluded, sorted(group.reasons)),
                        (whole["included"], whole["excluded"], sorted(whole["reasons"])))
        if deals and "deals" in row and len(group.deals) <= 100:
            comparison.same(f"{where}: {label}: deals", sorted(group.deals), sorted(d["id"].split(":")[-1] for d in row["deals"]["nodes"]))


def compare_all(url, oracle, comparison):
    base = url.removesuffix("/graphql")
    reports, _ = get(f"{base}/reports")
    comparison.columns = {report["name"]: [column["name"] for column in report["columns"]] for report in reports["reports"]}
    # Handovers are no figures, and the facts hold no details of deals: tests/it/handover.rs compares them.
    ready = sorted([*GROUPS, *PROJECTS, "overdue-receivables", "incomplete-handovers"])
    comparison.same("ready reports", ready, sorted(comparison.columns))
    for name in GROUPS:
        compare_group_report(base, oracle, comparison, name)
    for name in PROJECTS:
        compare_project_report(base, oracle, comparison, name)
    compare_overdue(base, oracle, comparison)
    compare_overdue(base, oracle, comparison, "USD")
    compare_group_report(base, oracle, comparison, "margin-by-client", {"currency": "USD"})
    vertical = next(deal["vertical"] for deal in oracle.company.facts["hubspot"]["deals"] if deal["vertical"])
    compare_group_report(base, oracle, comparison, "margin-by-vertical", {"vertical": vertical},
                         lambda lead: lead["vertical"] == vertical)
    year = str(oracle.company.today.year)
    compare_group_report(base, oracle, comparison, "revenue-by-segment", {"from": f"{year}-01-01", "to": f"{year}-12-31"},
                         lambda lead: (lead["closeDate"] or "")[:4] == year)
    compare_group_report(base, oracle, comparison, "budget-overruns-by-deal-size", {"status": "won"}, lambda lead: lead["isWon"])
    compare_grouping(url, oracle, comparison, [])
    for dimension in DIMENSIONS:
        compare_grouping(url, oracle, comparison, [dimension], deals=dimension in ("CLIENT", "CLOSE_MONTH"))
    for pair in PAIRS:
        compare_grouping(url, oracle, comparison, pair)
    compare_grouping(url, oracle, comparison, ["CURRENCY"], "USD")
    compare_grouping(url, oracle, comparison, ["DEAL_SIZE"], "GBP")
    # A currency that nobody has a rate of.
    compare_grouping(url, oracle, comparison, ["VERTICAL"], "SEK")
    compare_grouping(url, oracle, comparison, ["STAGE"], filter_=", filter: { status: OPEN }", keep=lambda lead: not lead["isClosed"])


def run(spine, erp, seed, today, root):
    facts = subprocess.run([spine, "demo", "--facts", "--seed", seed, "--today", today], check=True, capture_output=True)
    settings = Settings(tomllib.loads((root / "src/demo/spine.toml").read_text().replace("{erp_name}", erp)))
    oracle = Oracle(Company(json.loads(facts.stdout), settings))
    command = [spine, "demo", "--port", "0", "--json", "--erp", erp, "--seed", seed, "--today", today]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    comparison = Comparison(f"{erp} {seed}")
    comparison.erp = erp
    try:
        compare_all(json.loads(demo.stdout.readline())["graphql"], oracle, comparison)
    finally:
        demo.terminate()
        demo.wait()
    return comparison


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("spine")
    parser.add_argument("runs", nargs="*", help="ERP:SEED,SEED...", default=["sap:42,1,7", "netsuite:42", "quickbooks:42", "odoo:42"])
    arguments = parser.parse_args()
    root = pathlib.Path(__file__).parents[3]
    # The gateway's today is the day in UTC, and the seed's has to be the same.
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    runs = [(erp, seed) for erp, _, seeds in (one.partition(":") for one in arguments.runs) for seed in seeds.split(",")]
    cells, differences = 0, []
    with ProcessPoolExecutor(2) as pool:
        tasks = [pool.submit(run, arguments.spine, erp, seed, today, root) for erp, seed in runs]
        for comparison in (task.result() for task in tasks):
            print(f"{comparison.name}: {comparison.cells} cells, {len(comparison.differences)} differ", flush=True)
            cells += comparison.cells
            differences += comparison.differences
    for difference in differences[:60]:
        print(difference)
    if differences:
        sys.exit(f"{len(differences)} of {cells} cells differ")
    print(f"{cells} cells agree with the facts")


if __name__ == "__main__":
    main()
