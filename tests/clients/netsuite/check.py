"""Drives an embedded NetSuite with `netsuite`, a client by other people, and signs in by OAuth 2.0 with PyJWT: a server that
only our connector understands would not count.

    python3 -m venv venv && venv/bin/pip install -r requirements-own.txt && venv/bin/python check.py http://127.0.0.1:PORT

Prints one line per check and ends with 1 at the first that fails.
"""

import asyncio
import json
import sys
import time
from decimal import Decimal
from pathlib import Path

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from netsuite import Config, NetSuiteRestApi, TokenAuth
from netsuite.exceptions import NetsuiteAPIRequestError

ACCOUNT = "TSTDRV1234567"
LINES = """
    SELECT {columns} FROM transactionline tl
    INNER JOIN transaction t ON t.id = tl.transaction
    INNER JOIN job j ON j.id = COALESCE(tl.entity, t.entity)
    WHERE t.type IN ('CustInvc','CustCred') AND tl.mainline = 'F' AND tl.taxline = 'F'
    AND t.posting = 'T' AND t.voided = 'F' {more}
"""


class Client(NetSuiteRestApi):
    """The client, which knows no other host than the vendor's."""

    def __init__(self, url: str, token_secret: str = "demo-netsuite-token-secret"):
        auth = TokenAuth(
            consumer_key="demo-netsuite-consumer",
            consumer_secret="demo-netsuite-consumer-secret",
            token_id="demo-netsuite-token",
            token_secret=token_secret,
        )
        super().__init__(Config(account=ACCOUNT, auth=auth))
        self._url = url

    def _make_url(self, subpath: str) -> str:
        return f"{self._url}/services/rest{subpath}"


def check(what: str, holds: bool) -> None:
    print(f"{'ok' if holds else 'FAILED'}  {what}", flush=True)
    if not holds:
        sys.exit(1)


async def refusal(call) -> dict:
    """What the server says of a call that it refuses; empty if it answers."""
    try:
        await call
    except NetsuiteAPIRequestError as error:
        return json.loads(error.response_text)
    return {}


async def everything(client: Client, query: str, limit: int) -> list[dict]:
    rows, more = [], True
    while more:
        page = await client.suiteql(query, limit=limit, offset=len(rows))
        check_links = [link["rel"] for link in page["links"]]
        more = page["hasMore"]
        assert ("next" in check_links) == more and page["count"] == len(page["items"]) and page["offset"] == len(rows)
        rows += page["items"]
    assert len(rows) == page["totalResults"]
    return rows


async def reads(url: str) -> None:
    client = Client(url)
    page = await client.suiteql("SELECT id, tranid, type, status, voided, duedate FROM transaction ORDER BY id", limit=5)
    check("a signed call is answered", page["count"] == 5 and page["hasMore"] and page["totalResults"] > 100)
    first = page["items"][0]
    check("values come as texts, booleans as T and F", all(isinstance(first[name], str) for name in ("id", "type", "tranid")))
    check("each row has its links", first["links"] == [] and first["voided"] in ("T", "F"))
    journal = (await client.suiteql("SELECT id, entity, duedate FROM transaction WHERE type = 'Journal'", limit=1))["items"][0]
    check("columns without a value are left out", set(journal) == {"links", "id"})

    ids = [row["id"] for row in await everything(client, "SELECT id FROM transaction ORDER BY id", 97)]
    check(f"pages of 97 give all {len(ids)} transactions once, in order", ids == sorted(set(ids), key=int))
    more = await everything(client, "SELECT id FROM transaction ORDER BY id", 1000)
    check("pages of 1000 give the same", [row["id"] for row in more] == ids)

    code = (await client.suiteql("SELECT entityid FROM job ORDER BY id", limit=1))["items"][0]["entityid"]
    rows = await everything(
        client,
        LINES.format(columns="t.id, tl.id AS line, tl.foreignamount, t.currency", more=f"AND j.entityid = '{code}'")
        + " ORDER BY t.id, tl.id",
        50,
    )
    sums = await everything(
        client,
        LINES.format(
            columns="j.entityid, t.currency, SUM(-tl.foreignamount) AS net, COUNT(*) AS n, COUNT(DISTINCT t.id) AS documents",
            more=f"AND j.entityid IN ('{code}')",
        )
        + " GROUP BY j.entityid, t.currency ORDER BY t.currency",
        50,
    )
    added = {}
    for row in rows:
        added[row["currency"]] = added.get(row["currency"], Decimal(0)) - Decimal(row["foreignamount"])
    check("sums by group are those of the rows, exactly", {row["currency"]: Decimal(row["net"]) for row in sums} == added)
    check("and so are counts", sum(int(row["n"]) for row in sums) == len(rows) > 0)

    paid = await everything(
        client,
        "SELECT l.previousdoc, SUM(l.foreignamount) AS paid, MAX(t.foreignamountpaid) AS stated"
        " FROM nexttransactionlinelink l INNER JOIN transaction t ON t.id = l.previousdoc"
        " INNER JOIN transaction p ON p.id = l.nextdoc"
        " WHERE l.linktype = 'Payment' AND p.voided = 'F' AND t.voided = 'F' GROUP BY l.previousdoc ORDER BY l.previousdoc",
        1000,
    )
    fits = all(Decimal(row["paid"]) <= Decimal(row["stated"]) for row in paid)
    check(f"links say what was paid on {len(paid)} invoices, and never more than they state", len(paid) > 10 and fits)
    entries = await everything(
        client,
        "SELECT tal.transaction, SUM(tal.amount) AS total FROM transactionaccountingline tal"
        " WHERE tal.posting = 'T' GROUP BY tal.transaction HAVING SUM(tal.amount) <> 0 ORDER BY tal.transaction",
        1000,
    )
    check("every document and entry is in balance", entries == [])

    quoted = await client.suiteql("SELECT id FROM job WHERE entityid = 'O''Neil'' OR 1 = 1'")
    check("a quote in a value is a part of it", quoted["items"] == [])
    days = await client.suiteql("SELECT TO_CHAR(trandate, 'YYYY-MM-DD') AS iso, trandate FROM transaction ORDER BY id", limit=1)
    check("dates come in the account's own format unless told", days["items"][0]["iso"][4] == "-" and "/" in days["items"][0]["trandate"])

    for query, why in [
        ("SELECT nothing FROM job", "an unknown column"),
        ("SELECT id FROM nothing", "an unknown table"),
        ("DELETE FROM job", "a statement that writes"),
        ("SELECT id FROM job; DELETE FROM job", "a second statement"),
        ("WITH x AS (SELECT id FROM job) SELECT id FROM x", "WITH"),
        (f"SELECT id FROM job WHERE id IN ({','.join(map(str, range(1001)))})", "more than 1000 values"),
        ("SELECT id FROM transaction WHERE trandate > DATE '2026-01-01'", "a date literal"),
        ("SELECT entityid, COUNT(*) AS n FROM job GROUP BY id", "a column that is not grouped by"),
        ("SELECT id FROM job WHERE id = ?", "a bind parameter"),
    ]:
        said = await refusal(client.suiteql(query))
        check(f"{why} is refused", said.get("status") == 400 and said["o:errorDetails"][0]["o:errorCode"] == "INVALID_PARAMETER")
    for limit, offset in [(1001, 0), (0, 0), (10, 100_000)]:
        said = await refusal(client.suiteql("SELECT id FROM job", limit=limit, offset=offset))
        check(f"limit {limit}, offset {offset} are refused", "o:errorQueryParam" in said["o:errorDetails"][0])
    said = await refusal(client.suiteql("SELECT id FROM job", headers={"Prefer": "respond-async"}))
    check("a call without `Prefer: transient` is refused", said["o:errorDetails"][0]["o:errorHeader"] == "Prefer")
    said = await refusal(Client(url, "wrong").suiteql("SELECT id FROM job"))
    check("a wrong secret is refused", said.get("status") == 401 and said["o:errorDetails"][0]["o:errorCode"] == "INVALID_LOGIN")


async def oauth2(url: str) -> None:
    endpoint = f"{url}/services/rest/auth/oauth2/v1/token"
    key = Path(__file__).with_name("demo-key.pem").read_text()

    async def exchange(key: str = key, **changes) -> httpx.Response:
        now = int(time.time())
        claims = {"iss": "demo-netsuite-client", "scope": ["rest_webservices"], "aud": endpoint, "iat": now, "exp": now + 300}
        assertion = jwt.encode(claims | changes, key, algorithm="ES256", headers={"kid": "demo-netsuite-certificate"})
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
        async with httpx.AsyncClient() as client:
            return await client.post(endpoint, data=form)

    async def ask(token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Prefer": "transient"}
        async with httpx.AsyncClient() as client:
            return await client.post(f"{url}/services/rest/query/v1/suiteql", headers=headers, json={"q": "SELECT id FROM job"})

    answer = await exchange()
    check("an assertion is exchanged for a token", answer.status_code == 200 and answer.json()["expires_in"] == "3600")
    asked = await ask(answer.json()["access_token"])
    check("the token is good for calls", asked.status_code == 200 and asked.json()["count"] > 0)
    check("another is not", (await ask("nonsense")).status_code == 401)
    other = ec.generate_private_key(ec.SECP256R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for what, call in [
        ("another key", exchange(key=pem)),
        ("another client", exchange(iss="somebody")),
        ("another audience", exchange(aud="https://elsewhere.example/services/rest/auth/oauth2/v1/token")),
        ("an assertion that lasts longer than an hour", exchange(exp=int(time.time()) + 7200)),
    ]:
        refused = await call
        check(f"{what} is refused", refused.status_code == 401 and refused.json() == {"error": "invalid_grant"})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asyncio.run(reads(sys.argv[1].rstrip("/")))
    asyncio.run(oauth2(sys.argv[1].rstrip("/")))
