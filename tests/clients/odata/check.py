"""Loads the feed with python-odata, a client by other people, and holds its $metadata against the OASIS committee's schemas.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && npm ci && venv/bin/python check.py http://127.0.0.1:PORT/odata/

Prints one line per check and ends with 1 at the first that fails.
"""

import sys
from decimal import Decimal
from pathlib import Path

import requests
from lxml import etree
from odata import ODataService
from odata.exceptions import ODataError

SCHEMAS = Path(__file__).parent / "node_modules" / "odata-csdl" / "schemas"

# What the tools send, as far as it is documented or was recorded: Power Query (Excel, Power BI) and Tableau.
POWER_QUERY = {
    "Accept": "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,"
    "application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7",
    "OData-MaxVersion": "4.0",
    "MaxDataServiceVersion": "3.0",
}
TABLEAU = {"Accept": "application/json;odata.metadata=minimal", "OData-Version": "4.0", "OData-MaxVersion": "4.0"}


def check(what: str, holds: bool) -> None:
    print(f"{'ok' if holds else 'FAILED'}  {what}", flush=True)
    if not holds:
        sys.exit(1)


def metadata(root: str) -> None:
    document = etree.fromstring(requests.get(f"{root}$metadata", headers=POWER_QUERY, timeout=60).content)
    schema = etree.XMLSchema(etree.parse(str(SCHEMAS / "edmx.xsd")))
    valid = schema.validate(document)
    check(f"$metadata is CSDL by the schema {schema.error_log.last_error or ''}", valid)


def client(root: str) -> None:
    service = ODataService(root, reflect_entities=True, quiet_progress=True, extra_headers={"Prefer": "odata.maxpagesize=50"})
    deals = service.entities["Deals"]
    every = service.query(deals).all()
    check(f"all pages hold every deal once ({len(every)})", len(every) > 50 and len({deal.id for deal in every}) == len(every))
    count = int(requests.get(f"{root}Deals/$count", timeout=120).text)
    check("as many as the count says", len(every) == count)
    check("amounts are decimals", all(deal.amount is None or isinstance(deal.amount, Decimal) for deal in every))
    won = service.query(deals).filter(deals.status == "WON").all()
    check("a filter by text", len(won) > 0 and {deal.id for deal in won} == {deal.id for deal in every if deal.status == "WON"})
    large = service.query(deals).filter(deals.amount > 100000).filter(deals.status == "WON").all()
    expected = {deal.id for deal in won if deal.amount is not None and deal.amount > 100000}
    check("a filter by number and text", {deal.id for deal in large} == expected and len(expected) > 0)
    ordered = service.query(deals).order_by(deals.amount.desc()).limit(5).all()
    amounts = [deal.amount for deal in ordered]
    check("the largest five", amounts == sorted(amounts, reverse=True) and len(amounts) == 5)
    some = service.query(deals).select(deals.id, deals.name).limit(3).all()
    check("some properties of some", [set(row) for row in some] == [{"id", "name"}] * 3)
    one = service.query(deals).get(every[0].id)
    check("one deal by its key", one.name == every[0].name)
    projects = service.query(service.entities["Projects"]).all()
    check(f"projects with their money ({len(projects)})", any(project.invoiced is not None for project in projects))
    margins = service.query(service.entities["MarginByVertical"]).all()
    check(f"margin by vertical ({len(margins)})", len(margins) > 0 and all(row.vertical for row in margins))
    rates = service.query(service.entities["ExchangeRates"]).all()
    exact = all(isinstance(rate.rate, Decimal) and rate.rate > 0 and rate.date and rate.source for rate in rates)
    check(f"the rates that reports convert by ({len(rates)})", len(rates) > 1 and exact)
    try:
        service.query(deals).expand(type("Nothing", (), {"name": "Project"})).all()
        check("what is not supported is refused", False)
    except ODataError as error:
        check("what is not supported is refused, with a sentence", "$expand" in str(error))


def tools(root: str) -> None:
    for name, headers in (("Power Query", POWER_QUERY), ("Tableau", TABLEAU)):
        session = requests.Session()
        session.headers.update(headers)
        sets = [one["url"] for one in session.get(root, timeout=60).json()["value"]]
        session.get(f"{root}$metadata", timeout=60).raise_for_status()
        for one in sets:
            answer = session.get(f"{root}{one}?$top=1000&$skip=0", timeout=120)
            check(f"{name}: {one}, {len(answer.json().get('value', []))} rows", answer.ok and len(answer.json()["value"]) > 0)
            check(f"{name}: {one}, version", answer.headers["OData-Version"] == "4.0")
        folded = "$filter=status eq 'WON' and close_date ge 2025-01-01&$select=id,amount,currency&$top=200"
        rows = session.get(f"{root}Deals?{folded}", timeout=120).json()["value"]
        check(f"{name}: filter, selection and top are folded into one question", 0 < len(rows) <= 200)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    metadata(sys.argv[1])
    tools(sys.argv[1])
    client(sys.argv[1])
