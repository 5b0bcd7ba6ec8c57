"""Loads the reports of a Spine with DuckDB and pandas, as their users would: `check.py GRAPHQL_URL`.

Every report must be the same table as CSV, JSON, NDJSON and Parquet, with types that the readers find by themselves in
Parquet. It needs no knowledge of the data: only that there are reports, and rows in the first.
"""

import io
import json
import sys
import urllib.request
from decimal import Decimal

import duckdb
import pandas
import pyarrow
import pyarrow.parquet

base = sys.argv[1].removesuffix("/graphql")
checks = 0


def check(what, condition):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"FAILED: {what}")


def get(path, accept=None):
    request = urllib.request.Request(base + path, headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


TYPES = {
    "text": pyarrow.string(),
    "count": pyarrow.int64(),
    "amount": pyarrow.decimal128(19, 4),
    "percent": pyarrow.decimal128(19, 4),
    "number": pyarrow.decimal128(19, 4),
    "date": pyarrow.date32(),
    "moment": pyarrow.timestamp("ms", tz="UTC"),
    "flag": pyarrow.bool_(),
}
NUMBERS = ("amount", "percent", "number")

database = duckdb.connect()
reports = json.loads(get("/reports", "application/json"))["reports"]
check("there are reports", reports)
for report in reports:
    name, columns = report["name"], report["columns"]
    names = [column["name"] for column in columns]
    rows = json.loads(get(f"/reports/{name}.json"), parse_float=Decimal)
    check(f"{name}: rows in JSON have all columns in order", all(list(row) == names for row in rows))

    table = pyarrow.parquet.read_table(io.BytesIO(get(f"/reports/{name}.parquet")))
    check(f"{name}: types in Parquet", [field.type for field in table.schema] == [TYPES[c["kind"]] for c in columns])
    for column in columns:
        values = table.column(column["name"]).to_pylist()
        told = [row[column["name"]] for row in rows]
        if column["kind"] in NUMBERS:
            told = [None if value is None else Decimal(value) for value in told]
        elif column["kind"] == "date":
            values = [value and value.isoformat() for value in values]
        elif column["kind"] == "moment":
            values = [value and value.isoformat(timespec="milliseconds").replace("+00:00", "Z") for value in values]
        check(f"{name}.{column['name']}: Parquet says what JSON says", values == told)

    frame = pandas.read_csv(f"{base}/reports/{name}.csv", dtype=str, keep_default_na=False)
    check(f"{name}: pandas reads the CSV", list(frame.columns) == names and len(frame) == len(rows))
    for column in columns:
        if column["kind"] in NUMBERS:
            cells = [Decimal(cell) if cell else None for cell in frame[column["name"]]]
            told = [None if row[column["name"]] is None else Decimal(row[column["name"]]) for row in rows]
            check(f"{name}.{column['name']}: CSV says what JSON says", cells == told)
    parquet = pandas.read_parquet(f"{base}/reports/{name}.parquet", dtype_backend="pyarrow")
    check(f"{name}: pandas reads the Parquet", list(parquet.columns) == names and len(parquet) == len(rows))

    # By HTTP, as one would write it in DuckDB, if its extension for that can be had here; else by file.
    amounts = [column["name"] for column in columns if column["kind"] == "amount"]
    sums = ", ".join(f"sum({amount})" for amount in amounts) or "count(*)"
    expected = tuple(
        sum((Decimal(row[a]) for row in rows if row[a] is not None), Decimal(0)) if any(row[a] is not None for row in rows) else None
        for a in amounts
    ) or (len(rows),)
    try:
        database.execute("LOAD httpfs")
        database.execute("SET force_download = true")
        source = f"{base}/reports/{name}.parquet"
    except duckdb.Error:
        source = f"/tmp/{name}.parquet"
        with open(source, "wb") as file:
            file.write(get(f"/reports/{name}.parquet"))
    found = database.execute(f"SELECT {sums} FROM read_parquet('{source}')").fetchone()
    check(f"{name}: DuckDB adds up the Parquet at {source}: {found}, not {expected}", found == expected)

first = reports[0]["name"]
check(f"{first} has rows", json.loads(get(f"/reports/{first}.json")))
print(f"{checks} checks of {len(reports)} reports: all fine (DuckDB {duckdb.__version__}, pandas {pandas.__version__}, pyarrow {pyarrow.__version__})")
