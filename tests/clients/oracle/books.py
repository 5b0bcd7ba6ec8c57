"""What the owners state of a company, and what follows from it, engagement by engagement.

Nothing of the product is used: facts as each system holds them (`spine demo --facts`), the demo's settings, and the
definitions of docs/finance.md, computed with fractions, which never round by themselves.
"""

import re
import unicodedata
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction

PLACES = defaultdict(lambda: 2, JPY=0, KWD=3)
NOTHING = "nothing"  # There is no such thing, and nothing is missing.


class Unknown(str):
    """What cannot be told, for this reason."""


NOT_WHOLE = Unknown("NOT_WHOLE")


def rounded(value, places):
    """Halves away from zero."""
    scaled = abs(value) * 10**places
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    whole += 2 * rest >= scaled.denominator
    return Fraction(whole if value >= 0 else -whole, 10**places)


def percent(part, whole):
    if part is None or whole is None or whole <= 0:
        return None
    return rounded(part * 100 / whole, 2)


class Sum:
    """Amounts as they were booked: a list of {currency: amount}, the document's currency first."""

    def __init__(self):
        self.parts, self.reason = [], None

    def add(self, amount, currency, home=None, home_amount=None, sign=1):
        part = {currency: sign * amount}
        if home:
            part.setdefault(home, sign * home_amount)
        self.parts.append(part)

    def unknown(self, reason):
        self.parts.append({})
        self.reason = self.reason or Unknown(reason)

    def known(self):
        """Totals in all the currencies in which every part was booked; the one to be shown first."""
        if not self.parts:
            return {}
        common = [code for code in self.parts[0] if all(code in part for part in self.parts)]
        common.sort(key=lambda code: not any(next(iter(part)) == code for part in self.parts))
        return {code: sum(part[code] for part in self.parts) for code in common}


class Settings:
    """The demo's own settings, as it is told them."""

    def __init__(self, toml):
        reports = toml["reports"]
        self.currency = reports["currency"]
        self.base = reports["rates"]["base"]
        self.rates = {code: Fraction(rate) for code, rate in reports["rates"]["per_base"].items()}
        self.rates[self.base] = Fraction(1)
        self.hour_cost = Fraction(reports["support"]["hour_cost"])
        self.hour_currency = reports["support"]["currency"]
        self.support_in_costs = reports["support"]["in_costs"]
        self.bands = [Fraction(bound) for bound in reports.get("deal_size_bands", ["25000", "100000", "500000"])]
        self.shared_id = re.compile(toml["shared_id"]["pattern"])

    def convert(self, amount, code, wanted):
        if code == wanted:
            return amount
        if code not in self.rates or wanted not in self.rates:
            return None
        return rounded(amount * self.rates[wanted] / self.rates[code], PLACES[wanted])

    def link(self, text):
        """The shared ID in the spelling that counts; none if it is no shared ID."""
        if not text:
            return None
        spelled = unicodedata.normalize("NFKC", text.strip()).upper()
        return spelled if self.shared_id.fullmatch(spelled) else None


class Engagement:
    """A project with its deals, a deal that leads to none, or what was invoiced without a project."""

    def __init__(self, project=None, deals=()):
        self.project = project
        self.deals = list(deals)
        won = [deal for deal in self.deals if deal["isWon"]]
        self.lead = won[0] if won else self.deals[0] if self.deals else None
        self.won = won


class Company:
    def __init__(self, facts, settings):
        self.facts, self.settings = facts, settings
        self.today = date.fromisoformat(facts["today"])
        self.home = facts["currency"]
        self.clients = {client["id"]: client for client in facts["hubspot"]["companies"]}
        self.owners = {owner["id"]: name(owner) for owner in facts["hubspot"]["owners"]}
        self.users = {user["id"]: name(user) for user in facts["redmine"]["users"]}
        self.pipelines = {pipeline["id"]: pipeline["label"] for pipeline in facts["hubspot"]["pipelines"]}
        self.in_erp = {project["code"] for project in facts["sap"]["projects"]}
        self.read_projects()
        self.read_documents()
        self.make_engagements()

    # The project tool. An archived project (9) is shown to nobody.

    def read_projects(self):
        redmine = self.facts["redmine"]
        self.projects = defaultdict(list)
        for project in redmine["projects"]:
            code = self.settings.link(project["sharedId"])
            if code and project["status"] != 9:
                self.projects[code].append(project)
        self.issues, self.hours_on, self.hours_of = defaultdict(list), defaultdict(Fraction), defaultdict(Fraction)
        for issue in redmine["issues"]:
            self.issues[issue["projectId"]].append(issue)
        for entry in redmine["timeEntries"]:
            self.hours_of[entry["projectId"]] += Fraction(entry["hours"])
            if entry["issueId"] is not None:
                self.hours_on[entry["issueId"]] += Fraction(entry["hours"])

    # The books. A cancelled document and the one that cancels it count for nothing.

    def read_documents(self):
        books = self.facts["sap"]
        self.invoices = [(1, document) for document in books["invoices"] if document["cancelled"] == "no"]
        self.invoices += [(-1, document) for document in books["creditNotes"] if document["cancelled"] == "no"]
        self.receivables, self.unassigned = defaultdict(list), []
        for sign, document in self.invoices:
            codes = {line["project"] for line in document["lines"]} | {document["project"]}
            assert len(codes) == 1, "an invoice for several projects: the seed has none, and this does not split it"
            code = self.settings.link(codes.pop())
            (self.receivables[code] if code else self.unassigned).append((sign, document))
        self.actual, self.committed = defaultdict(Sum), defaultdict(Sum)
        for sign, kind in ((1, "purchaseInvoices"), (-1, "purchaseCreditNotes")):
            for document in books[kind]:
                if document["cancelled"] == "no":
                    for line in document["lines"]:
                        self.book(self.actual[line["project"]], document, line["net"], line["netFc"], sign)
        for document in books["purchaseOrders"]:
            if document["cancelled"] == "no":
                for line in document["lines"]:
                    if line["open"]:
                        self.book(self.committed[line["project"]], document, line["openNet"], line["openNetFc"])
        for entry in books["journalEntries"]:
            for line in entry["lines"] if entry["manual"] else ():
                if line["account"][0] in "56":
                    amount = Fraction(line["debit"]) - Fraction(line["credit"])
                    self.actual[line["project"]].add(amount, self.home)

    def book(self, figure, document, local, foreign, sign=1):
        own = local if document["currency"] == self.home else foreign
        figure.add(Fraction(own), document["currency"], self.home, Fraction(local), sign)

    def sums_of(self, invoices):
        """Invoiced, collected, outstanding, overdue, and sales of the last 365 days."""
        invoiced, collected, outstanding, overdue, sales = (Sum() for _ in range(5))
        since = self.today - timedelta(days=365)
        for sign, document in invoices:
            total, total_fc, paid, paid_fc = (Fraction(document[key]) for key in ("total", "totalFc", "paid", "paidFc"))
            net = sum(Fraction(line["net"]) for line in document["lines"])
            net_fc = sum(Fraction(line["netFc"]) for line in document["lines"])
            self.book(invoiced, document, net, net_fc, sign)
            self.book(collected, document, paid, paid_fc, sign)
            self.book(outstanding, document, total - paid, total_fc - paid_fc, sign)
            if sign > 0 and date.fromisoformat(document["due"]) < self.today:
                self.book(overdue, document, total - paid, total_fc - paid_fc)
            if date.fromisoformat(document["date"]) > since:
                self.book(sales, document, total, total_fc, sign)
        return {"invoiced": invoiced, "collected": collected, "outstanding": outstanding, "overdue": overdue,
                "credit_sales": sales}

    # The portfolio.

    def make_engagements(self):
        linked, alone = defaultdict(list), []
        deals = sorted(self.facts["hubspot"]["deals"], key=lambda deal: int(deal["id"]))
        for deal in deals:
            code = self.settings.link(deal["sharedId"])
            if code:
                linked[code].append(deal)
            else:
                alone.append(Engagement(deals=[deal]))
        led = [Engagement(code, deals) for code, deals in linked.items()]
        rest = (set(self.projects) | set(self.receivables)) - set(linked)
        self.led = led + alone
        self.others = [Engagement(code) for code in sorted(rest)]
        for invoice in self.unassigned:
            invoiced = Engagement()
            invoiced.invoice = invoice
            self.others.append(invoiced)

    def portfolio(self, keep=None):
        """All engagements; those whose lead passes, if there is a filter."""
        if keep is None:
            return self.led + self.others
        return [engagement for engagement in self.led if keep(engagement.lead)]

    # What an engagement is grouped by.

    def header(self, engagement):
        """What the project tool says of it: none if it does not know it, NOT_WHOLE if it knows two."""
        found = self.projects.get(engagement.project, [])
        return found[0] if len(found) == 1 else NOT_WHOLE if found else None

    def attributes(self, engagement):
        lead, header = engagement.lead or {}, self.header(engagement)
        client = lead.get("companyId") or next((d["companyId"] for d in engagement.deals if d["companyId"]), None)
        known = self.clients.get(client, {})
        header = header if isinstance(header, dict) else {}
        close = lead.get("closeDate")
        month = close and int(close[5:7])
        return {
            "VERTICAL": lead.get("vertical"), "CLIENT": client, "client": known.get("name"),
            "COUNTRY": known.get("country"), "DEAL_TYPE": lead.get("dealType"),
            "DEAL_OWNER": self.owners.get(lead.get("ownerId")), "STAGE": lead.get("stageLabel"),
            "CLOSE_MONTH": close and close[:7], "CLOSE_QUARTER": close and f"{close[:4]}-Q{(month + 2) // 3}",
            "CLOSE_YEAR": close and close[:4], "close_date": close,
            "CURRENCY": lead.get("currency") if lead.get("amount") else None,
            "PROJECT_MANAGER": self.users.get(header.get("managerId")), "HEALTH": health(header.get("health")),
            "name": header.get("name"), "status": {1: "ACTIVE", 5: "COMPLETED"}.get(header.get("status")),
            "reason": header.get("healthReason"), "start": header.get("start"), "due": header.get("due"),
        }

    # What it says in one currency. A value is a number, an Unknown, or NOTHING.

    def progress(self, header):
        if not isinstance(header, dict):
            return header or NOTHING
        issues = self.issues[header["id"]]
        parents = {issue["parentId"] for issue in issues}
        tasks = [i for i in issues if i["tracker"] == "Task" and i["estimatedHours"] and i["id"] not in parents]
        hours = [(Fraction(issue["estimatedHours"]), issue["doneRatio"]) for issue in tasks]
        planned = sum(estimated for estimated, _ in hours)
        if planned <= 0:
            return NOTHING
        return percent(sum(estimated * ratio for estimated, ratio in hours) / 100, planned)

    def support(self, engagement, header):
        """Tickets and hours of support and incidents that were opened after the day on which the lead was closed."""
        lead = engagement.lead
        if not lead or not lead["isWon"] or not lead["closeDate"] or header is None:
            return NOTHING
        if header is NOT_WHOLE:
            return header
        tickets = [issue for issue in self.issues[header["id"]]
                   if issue["tracker"] in ("Incident", "Support") and issue["createdAt"][:10] > lead["closeDate"]]
        return Fraction(len(tickets)), sum((rounded(self.hours_on[issue["id"]], 2) for issue in tickets), Fraction(0))

    def statement(self, engagement, currency):
        """Every measure of it."""
        settings, told = self.settings, {}
        project, won = engagement.project, engagement.won

        def amount(figure):
            if not isinstance(figure, Sum):
                return figure
            if not figure.parts:
                return Fraction(0)
            known = figure.known()
            if currency in known:
                return known[currency]
            for code, value in known.items():
                return converted(value, code)
            return figure.reason or Unknown("MIXED_CURRENCIES")

        def converted(value, code):
            value = settings.convert(value, code, currency)
            return Unknown("MISSING_RATE") if value is None else value

        contract, estimated = Sum(), Sum()
        for deal in won:
            code = deal["currency"]
            if deal["amount"] is None or code is None:
                contract.unknown("MISSING_CURRENCY" if code is None else "MISSING_AMOUNT")
                estimated = NOTHING
                continue
            contract.add(Fraction(deal["amount"]), code)
            if deal["estimatedCost"] is None or estimated is NOTHING:
                estimated = NOTHING
            else:
                estimated.add(Fraction(deal["amount"]) - Fraction(deal["estimatedCost"]), code)
        if not won:
            estimated = NOTHING

        invoice = getattr(engagement, "invoice", None)
        receivables = {key: NOTHING for key in ("invoiced", "collected", "outstanding", "overdue", "credit_sales")}
        actual = committed = NOTHING
        if invoice:
            contract = NOTHING
            receivables = self.sums_of([invoice])
        elif not project:
            if won:
                receivables["invoiced"] = actual = Unknown("NOT_LINKED")
        else:
            if not engagement.deals:
                contract = Unknown("NOT_IN_COMMERCIAL")
            if project in self.in_erp:
                receivables = self.sums_of(self.receivables[project])
                actual, committed = self.actual[project], self.committed[project]
            elif won or not engagement.deals:
                receivables = {key: Unknown("NOT_IN_RECEIVABLES") for key in receivables}
                actual = committed = Unknown("NOT_IN_COSTS")

        value = told["contract_value"] = amount(contract)
        told.update({key: amount(figure) for key, figure in receivables.items()})
        told["actual_cost"], told["committed_cost"] = amount(actual), amount(committed)
        told["estimated_margin"] = amount(estimated)
        told["deal_count"] = Fraction(len(engagement.deals))
        told["project_count"] = Fraction(project is not None)

        def derive(name, needed, compute):
            values = [told[needed_] for needed_ in needed]
            missing = [value for value in values if not isinstance(value, Fraction)]
            told[name] = compute() if not missing else NOTHING if NOTHING in missing else missing[0]

        def minus(name, one, other):
            derive(name, (one, other), lambda: told[one] - told[other])

        minus("left_to_invoice", "contract_value", "invoiced")
        minus("budget_cost", "contract_value", "estimated_margin")
        minus("budget_variance", "budget_cost", "actual_cost")
        derive("budgeted_projects", ["budget_variance"], lambda: Fraction(1))
        derive("over_budget_projects", ["budget_variance"], lambda: Fraction(told["budget_variance"] < 0))
        minus("margin", "invoiced", "actual_cost")

        header = self.header(engagement)
        told["progress"] = self.progress(header) if project else NOTHING
        # Before any progress and before any cost there is nothing to go on from.
        derive("eac", ["actual_cost", "progress"],
               lambda: rounded(told["actual_cost"] * 100 / told["progress"], 2)
               if told["progress"] > 0 and told["actual_cost"] > 0 else NOTHING)
        minus("forecast_margin", "contract_value", "eac")
        minus("slippage", "forecast_margin", "estimated_margin")
        derive("recognised", ["contract_value", "progress"],
               lambda: rounded(value * told["progress"] / 100, PLACES[currency]))
        minus("backlog", "contract_value", "recognised")
        minus("wip", "recognised", "invoiced")

        if isinstance(header, dict):
            told["hours_budgeted"] = Fraction(header["budgetHours"]) if header["budgetHours"] else NOTHING
            told["hours_spent"] = self.hours_of[header["id"]]
        else:
            told["hours_budgeted"] = told["hours_spent"] = header or NOTHING
        support = self.support(engagement, header)
        tickets, hours = support if isinstance(support, tuple) else (support, support)
        told["support_tickets"], told["support_hours"] = tickets, hours
        derive("support_cost", ["support_hours"], lambda: converted(
            rounded(told["support_hours"] * settings.hour_cost, PLACES[settings.hour_currency]),
            settings.hour_currency))
        if settings.support_in_costs:
            derive("true_margin", ["margin", "support_cost"], lambda: told["margin"])
        else:
            minus("true_margin", "margin", "support_cost")
        for base, of, whole in (("margin_base", "margin", "invoiced"),
                                ("estimated_margin_base", "estimated_margin", "contract_value"),
                                ("forecast_margin_base", "forecast_margin", "contract_value"),
                                ("slippage_base", "slippage", "contract_value"),
                                ("true_margin_base", "true_margin", "invoiced")):
            derive(base, [of, whole], lambda: told[whole])
        told["sold"] = bool(won)
        return told


def name(person):
    return f"{person['firstName']} {person['lastName']}"


def health(word):
    words = {"green": "GREEN", "amber": "AMBER", "yellow": "AMBER", "red": "RED"}
    return word and words.get(word.lower(), word)
