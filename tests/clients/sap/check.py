"""Drives an embedded Service Layer with b1sl-python, a client by other people: a server that only our connector
understands would not count.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python check.py http://127.0.0.1:PORT

Needs Python 3.11. Prints one line per check and ends with 1 at the first that fails.
"""

import sys
from decimal import Decimal
from itertools import islice

from b1sl.b1sl import B1Client
from b1sl.b1sl import entities as en
from b1sl.b1sl.config import B1Config
from b1sl.b1sl.exceptions.exceptions import B1AuthError, B1NotFoundError, B1ValidationError
from b1sl.b1sl.resources.odata import F


def connect(url: str, version: str, password: str = "demo-sap-password") -> B1Client:
    config = B1Config(base_url=f"{url}/b1s/{version}", username="spine", password=password, company_db="SPINE_DEMO")
    return B1Client(config)


def check(what: str, holds: bool) -> None:
    print(f"{'ok' if holds else 'FAILED'}  {what}", flush=True)
    if not holds:
        sys.exit(1)


def refused(call, kind) -> bool:
    try:
        call()
    except kind:
        return True
    return False


def reads(url: str, version: str) -> None:
    with connect(url, version) as client:
        first = client.invoices.top(5).execute()
        check(f"{version}: login opens a session", bool(client.session_id))
        check(f"{version}: a list comes with typed fields", len(first) == 5 and all(one.doc_entry for one in first))
        whole = client.invoices.get(first[0].doc_entry)
        check(f"{version}: one record by key, with its lines", whole.doc_entry == first[0].doc_entry and bool(whole.document_lines))
        check(f"{version}: an unknown key is not found", refused(lambda: client.invoices.get(99999999), B1NotFoundError))

        total = client.invoices.count()
        keys = [one.doc_entry for one in client.invoices.select("DocEntry").orderby("DocEntry").page_size(7).top(60).stream()]
        check(f"{version}: pages of seven give sixty rows, once each and in order", keys == sorted(set(keys)) and len(keys) == 60)
        everything = [one.doc_entry for one in client.invoices.select("DocEntry").orderby("DocEntry").page_size(400).stream()]
        check(f"{version}: all pages are as many rows as the count says ({total})", len(set(everything)) == total == len(everything))
        default = client.invoices.select("DocEntry").execute()
        check(f"{version}: a page has twenty rows unless more are asked for", len(default) == 20 and default.has_more)

        code = next(one.project for one in client.invoices.page_size(200).stream() if one.project)
        found = client.invoices.filter((F.Project == code) & (F.CancelStatus == "csNo")).page_size(500).execute()
        check(f"{version}: a filter by project", len(found) > 0 and all(one.project == code for one in found))
        by_value = client.invoices.filter(f"Project eq '{code}' and CancelStatus eq 'N'").page_size(500).execute()
        check(f"{version}: enumerations by name and by value", [one.doc_entry for one in by_value] == [one.doc_entry for one in found])
        check(f"{version}: a quote in a value is a part of it", len(client.invoices.filter("Project eq 'O''Neil'").execute()) == 0)
        projects = client.get_resource(en.Project, "Projects")
        starts = projects.filter(F.Code.startswith(code[:-1])).execute()
        check(f"{version}: text functions", any(one.code == code for one in starts))
        check(f"{version}: an unknown field is refused", refused(lambda: client.invoices.filter("Nothing eq 1").execute(), B1ValidationError))
        check(f"{version}: 'in' is refused", refused(lambda: client.invoices.filter("Project in ('A')").execute(), B1ValidationError))
        check(f"{version}: lines cannot be expanded", refused(lambda: client.invoices.expand(["DocumentLines"]).execute(), B1ValidationError))

        open_total = sum(Decimal(str(one.doc_total)) for one in found)
        summed = client.invoices.apply(
            f"filter(Invoices/Project eq '{code}' and Invoices/CancelStatus eq 'csNo')"
            "/groupby((Project),aggregate(DocTotal with sum as Total))"
        ).execute()
        rows = [row if isinstance(row, dict) else row.model_dump(by_alias=True) for row in summed]
        check(f"{version}: sums by group", len(rows) == 1 and Decimal(str(rows[0]["Total"])) == open_total)

        joined = (
            client.query_service("$crossjoin(Invoices,Invoices/DocumentLines)")
            .expand({"Invoices": ["DocEntry", "DocTotal"], "Invoices/DocumentLines": ["LineNum", "ProjectCode", "LineTotal"]})
            .filter(
                "Invoices/DocEntry eq Invoices/DocumentLines/DocEntry"
                f" and Invoices/DocumentLines/ProjectCode eq '{code}' and Invoices/CancelStatus eq 'csNo'"
            )
            .top(500)
            .execute()
        )
        lines = {one.doc_entry: len(one.document_lines) for one in found}
        check(
            f"{version}: the query service joins lines to their documents",
            len(joined) > 0
            and all(row["Invoices/DocumentLines"]["ProjectCode"] == code for row in joined)
            and {row["Invoices"]["DocEntry"] for row in joined} >= set(lines),
        )
        bare = client.query_service("$crossjoin(Invoices,Invoices/DocumentLines)").expand({"Invoices": ["DocEntry"]})
        check(f"{version}: a join without its condition is refused", refused(bare.execute, B1ValidationError))

        query = client.sql_queries.describe("spine_journal")
        check(f"{version}: the stored query has forty parameters", len(query.params) == 40)
        result = client.sql_queries.run("spine_journal", page_size=500, **{name: code for name in query.params})
        check(f"{version}: the stored query runs", len(result.rows) > 0 and all(row["Project"] == code for row in result.rows))
        check(f"{version}: a missing parameter is refused", refused(lambda: client.sql_queries.run("spine_journal", p1="A"), B1ValidationError))

        info = client.call_service_method("CompanyService_GetAdminInfo")
        check(f"{version}: the company states its currency", info["LocalCurrency"] == "EUR")
        payments = list(islice(client.get_resource(en.Payment, "IncomingPayments").stream(), 3))
        check(f"{version}: payments come with what they pay", all(one.payment_invoices for one in payments))
    check(f"{version}: bad credentials are refused", refused(lambda: connect(url, version, "wrong").invoices.count(), B1AuthError))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for dialect in ("v2", "v1"):
        reads(sys.argv[1].rstrip("/"), dialect)
