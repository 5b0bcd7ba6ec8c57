"""Drives the embedded SQL Server of the tests with python-tds, a client by other people: a server that only our connector
understands would not count.

    tests/tools.sh && cargo test --test sqlserver_client

starts the server, and runs this as `check.py PORT CA_FILE QUERIES`. Prints one line per check and ends with 1 at the first
that fails.
"""

import datetime
import json
import sys
import tomllib
import uuid
from decimal import Decimal

import certifi
import OpenSSL
import pytds

KEYS = "@P1 nvarchar(max)"
UTC = datetime.timezone.utc


def check(what: str, holds: bool) -> None:
    print(f"{'ok' if holds else 'FAILED'}  {what}", flush=True)
    if not holds:
        sys.exit(1)


def refused(call) -> pytds.Error | None:
    try:
        call()
    except pytds.Error as error:
        return error
    return None


class Server:
    def __init__(self, port: int, ca_file: str):
        self.port, self.ca_file = port, ca_file

    def connect(self, **own):
        options = {
            "server": "localhost", "port": self.port, "database": "company", "user": "spine", "password": "demo-spine-password",
            "cafile": self.ca_file, "autocommit": True, "appname": "check", "readonly": True, "disable_connect_retry": True,
            "login_timeout": 10,
        }
        return pytds.connect(**{**options, **own})


def rows(conn, text: str, *parameters, declared: str = KEYS) -> list[dict]:
    """Calls sp_executesql, as a query with parameters is sent."""
    with conn.cursor() as cursor:
        cursor.callproc("sp_executesql", [text, declared, *parameters])
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


def signs_in(server: Server):
    conn = server.connect()
    check("a client signs in over TLS, the certificate verified", conn.product_version >> 24 == 16 and conn.tds_version >= 0x74000000)
    plain = server.connect(cafile=None)
    check("and without TLS", plain.tds_version >= 0x74000000)
    plain.close()
    check("a wrong password is refused by number", getattr(refused(lambda: server.connect(password="wrong")), "number", 0) == 18456)
    check("so is another database", refused(lambda: server.connect(database="other")) is not None)
    untrusted = False
    try:
        server.connect(cafile=certifi.where())
    except OpenSSL.SSL.Error:
        untrusted = True
    check("who trusts other CAs does not sign in", untrusted)
    small = server.connect(blocksize=512)
    check("packets may be as small as they can be", len(rows(small, "SELECT * FROM every_type WHERE @P1 = @P1", "[]")) == 2)
    small.close()
    return conn


def types(conn) -> None:
    full, empty = rows(conn, "SELECT * FROM every_type WHERE @P1 = @P1", "[]")
    moment = datetime.datetime(2026, 1, 31, 8, 5, 0)
    for name, expected in [
        ("bit", True), ("tinyint", 255), ("int", -2147483648), ("bigint", -9223372036854775808),
        ("decimal_5", Decimal("-0.0001")), ("decimal_18", Decimal("1234567890123456.78")),
        ("decimal_28", Decimal("-123456789012345678901234.5678")), ("decimal_38", Decimal("9" * 38)),
        ("float", 7.0), ("money", Decimal("-7")), ("smallmoney", Decimal("7")), ("date", datetime.date(2026, 1, 31)),
        ("datetime", moment.replace(microsecond=3000)), ("smalldatetime", moment), ("datetime2_0", moment),
        ("datetime2_3", moment.replace(microsecond=250000)), ("datetime2_7", moment.replace(microsecond=123456)),
        ("uniqueidentifier", uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")), ("varchar", "Größe"),
        ("nchar", "EUR  "), ("nvarchar", "ü€😀"), ("nvarchar_max", "ü€😀/" * 9000), ("varbinary", b"\x01\x02"),
        ("int_not_null", 7), ("bit_not_null", False), ("money_not_null", Decimal("7")), ("float_not_null", 7.0),
        ("datetime_not_null", moment),
    ]:
        check(f"{name} is read as it was meant", full[name] == expected and type(full[name]) is type(expected))
    shown = full["datetimeoffset"]
    check("a moment is the same in every zone", shown == moment.replace(tzinfo=UTC) and shown.utcoffset() == datetime.timedelta(hours=1))
    check("NULL is none, in each type that can be", all(empty[name] is None for name in full if not name.endswith("_not_null")))
    check("and beside it stands what cannot be", empty["int_not_null"] == 7)


def company(conn, queries: dict) -> None:
    ids = json.dumps
    text = queries["invoices"]["list"]
    after, invoices = -1, []
    while page := rows(conn, text, after, 37, declared="@P1 bigint, @P2 bigint"):
        invoices += page
        after = page[-1]["id"]
    numbers = [invoice["id"] for invoice in invoices]
    check(f"pages of 37 give all {len(numbers)} invoices, once each and in order", numbers == sorted(set(numbers)) and len(numbers) > 100)
    some = numbers[3:9]
    by_id = rows(conn, queries["invoices"]["by_id"], ids([str(number) for number in some] + ["nonsense", "1"]))
    check("keys are a list in one parameter; what is none of the table's is not found", [row["id"] for row in by_id] == some)
    many = rows(conn, queries["invoices"]["by_id"], ids([str(number) for number in range(13000000, 13003000)]))
    check("a parameter may be longer than 4000 signs", len(many) > 20)

    def lines(invoice):
        return json.loads(invoice["lines"], parse_float=Decimal, parse_int=Decimal)

    nets = [sum((line["net"] for line in lines(invoice)), Decimal()) for invoice in invoices]
    check("lines add up to the total less tax, to the last digit", nets == [invoice["total"] - invoice["tax"] for invoice in invoices])
    paid = [json.loads(invoice["payments"], parse_float=Decimal) for invoice in invoices]
    check("payments are a list, of none where nobody paid", any(paid) and not all(paid))
    projects = rows(conn, queries["projects"]["list"], 0, 1000, declared="@P1 bigint, @P2 bigint")
    second = rows(conn, queries["projects"]["list"], 5, 5, declared="@P1 bigint, @P2 bigint")
    check("a list goes on after as many rows", second == projects[5:10])
    codes = sorted({(project["id"] or "").strip().upper() for project in projects})
    costs = rows(conn, queries["costs"]["by_project"], ids(codes))
    sums = rows(conn, queries["costs"]["sums"], ids(codes))
    added = {}
    for cost in costs:
        group = (cost["project_id"].strip().upper(), cost["kind"], cost["state"], cost["currency"])
        added[group] = added.get(group, Decimal()) + cost["amount"]
    told = {(one["project_id"], one["kind"], one["state"], one["currency"]): one["amount"] for one in sums}
    check(f"{len(told)} sums of costs are what adding up {len(costs)} rows gives", told == added and len(told) > 20)
    deals = rows(conn, queries["deals"]["list"], -1, 1000, declared="@P1 bigint, @P2 bigint")
    check("deals are read, some without an amount", len(deals) > 100 and any(deal["amount"] is None for deal in deals))
    of_deals = ids([str(deal["id"]) for deal in deals])
    for table in ["contacts", "line_items", "proposals", "communications", "pre_sales_tickets"]:
        found = rows(conn, queries[table]["by_deal"], of_deals)
        check(f"{len(found)} {table} hang on deals", len(found) > 3 and {one["deal_id"] for one in found} <= {deal["id"] for deal in deals})


def requests(server: Server, conn) -> None:
    wrong = refused(lambda: rows(conn, "SELECT * FROM nothing WHERE @P1 = @P1", "[]"))
    check("an error has its number, severity and text", wrong.number == 208 and wrong.severity == 16 and "nothing" in wrong.text)
    check("and the session lives on", len(rows(conn, "SELECT * FROM every_type WHERE @P1 = @P1", "[]")) == 2)
    late = refused(lambda: rows(conn, "SELECT * FROM late_error WHERE @P1 = @P1", "[]"))
    check("an error may come after rows", late.number == 1205)
    held = server.connect(autocommit=False)
    check("a client may hold a transaction", len(rows(held, "SELECT * FROM every_type WHERE @P1 = @P1", "[]")) == 2)
    held.rollback()
    check("roll it back, and hold the next", len(rows(held, "SELECT * FROM every_type WHERE @P1 = @P1", "[]")) == 2)
    held.commit()
    held.close()
    with conn.cursor() as cursor:
        cursor.execute("SET LOCK_TIMEOUT 1000; BEGIN TRANSACTION")
        cursor.execute("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
        check("a batch may begin one and roll it back", True)
        cursor.callproc("sp_executesql", [DESCRIBE, "@P1 nvarchar(max), @P2 nvarchar(max)", "SELECT * FROM every_type WHERE @P1 = @P1", KEYS])
        described = {row[0]: row[1:3] for row in cursor.fetchall()}
    check("a query is described before it is asked", described["decimal_18"][0] == "decimal(18,2)" and described["nvarchar_max"][0] == "nvarchar(max)")
    check("texts have a collation, numbers none", described["varchar"][1] is not None and described["int"][1] is None)
    waits = server.connect(timeout=1)
    gave_up = False
    try:
        rows(waits, "SELECT * FROM silence WHERE @P1 = @P1", "[]")
    except Exception as error:  # a timeout, in the library's own class or the system's
        gave_up = "time" in f"{type(error).__name__} {error}".lower()
    check("who waits too long gives up", gave_up)


DESCRIBE = "SELECT name, system_type_name, collation_name FROM sys.dm_exec_describe_first_result_set(@P1, @P2, 0)"

if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    with open(sys.argv[3], encoding="utf-8") as file:
        tables = tomllib.loads(file.read().replace("{company currency}", "EUR"))["connections"]["company"]
    texts = {table: {way: text.strip() for way, text in ways.items() if isinstance(text, str)} for table, ways in tables.items()}
    one = Server(int(sys.argv[1]), sys.argv[2])
    session = signs_in(one)
    types(session)
    company(session, texts)
    requests(one, session)
    session.close()
