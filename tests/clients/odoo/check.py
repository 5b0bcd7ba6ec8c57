"""Drives an embedded Odoo with OdooRPC and odoo-json2, clients by other people: a server that only our connector
understands would not count.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python check.py http://127.0.0.1:PORT

Prints one line per check and ends with 1 at the first that fails.
"""

import sys
from decimal import Decimal
from urllib.parse import urlsplit

import odoorpc
from odoo_json2 import JSON2Client
from odoo_json2.exceptions import OdooAuthError, OdooJSON2Error, OdooNotFoundError, OdooValidationError

DATABASE, USER, KEY = "spine_demo", "spine", "demo-odoo-key"
INVOICES = [["move_type", "=", "out_invoice"]]


def check(what: str, holds: bool) -> None:
    print(f"{'ok' if holds else 'FAILED'}  {what}", flush=True)
    if not holds:
        sys.exit(1)


def refused(call, kind, said: str = "") -> bool:
    try:
        call()
    except kind as error:
        return said in str(error)
    return False


def json_rpc(url: str) -> dict:
    """OdooRPC over `/jsonrpc`. Returns what it read of the first invoices."""
    address = urlsplit(url)
    odoo = odoorpc.ODOO(address.hostname, port=address.port)
    check("JSON-RPC: the version is found out", odoo.version == "19.0")
    wrong = lambda: odoo.login(DATABASE, USER, "wrong")
    check("JSON-RPC: a wrong key is refused", refused(wrong, odoorpc.error.RPCError))
    odoo.login(DATABASE, USER, KEY)
    check("JSON-RPC: login", odoo.env.uid == 2 and odoo.env.lang == "en_US")

    moves = odoo.env["account.move"]
    total = moves.search_count(INVOICES)
    ids, after = [], 0
    while page := moves.search(INVOICES + [["id", ">", after]], limit=7, order="id"):
        ids += page
        after = page[-1]
        if len(ids) >= 70:
            break
    check("JSON-RPC: pages of seven by number, once each and in order", ids == sorted(set(ids)) and total > len(ids))
    everything = moves.search(INVOICES)
    check("JSON-RPC: as many as the count says", len(everything) == total)

    invoice = moves.browse(ids[0])
    check("JSON-RPC: a record with its links", invoice.partner_id.name != "" and invoice.currency_id.name in ("EUR", "USD", "GBP", "CHF"))
    lines = invoice.invoice_line_ids
    check("JSON-RPC: its lines add up to its net", round(sum(line.price_subtotal for line in lines), 2) == round(invoice.amount_untaxed, 2))
    drafts = moves.search_read([["state", "=", "draft"]], ["name", "payment_state"])
    check("JSON-RPC: drafts stand among the others, without a number", len(drafts) > 0 and all(one["name"] == "/" for one in drafts))

    accounts = odoo.env["account.analytic.account"].search_read([["code", "=like", "PRJ-%"]], ["code"])
    ids_of = {one["code"]: one["id"] for one in accounts}
    code = sorted(ids_of)[len(ids_of) // 2]
    items = odoo.env["account.move.line"].search_read(
        [["analytic_distribution", "in", [ids_of[code]]], ["display_type", "=", "product"], ["parent_state", "=", "posted"],
         "|", ["move_id.move_type", "=", "out_invoice"], ["move_id.move_type", "=", "out_refund"]],
        ["balance", "move_id", "analytic_distribution"],
    )
    check("JSON-RPC: items by their distribution, with a path and a choice", len(items) > 0)
    groups = odoo.env["account.analytic.line"].read_group(
        [["account_id", "=", ids_of[code]], ["move_line_id", "in", [one["id"] for one in items]]],
        ["amount:sum"], ["account_id"], lazy=False,
    )
    earned = -sum(Decimal(str(one["balance"])) for one in items)
    check("JSON-RPC: what was earned stands on the analytic account", Decimal(str(groups[0]["amount"])) == earned)
    check("JSON-RPC: groups say how many they are", groups[0]["__count"] == len(items))

    error = odoorpc.error.RPCError
    check("JSON-RPC: an unknown field is refused by name", refused(lambda: moves.search([["nope", "=", 1]]), error, "nope"))
    check("JSON-RPC: an unknown model is refused", refused(lambda: odoo.execute("crm.nope", "search", []), error, "crm.nope"))
    check("JSON-RPC: private methods are refused", refused(lambda: odoo.execute("account.move", "_check", []), error))
    check("JSON-RPC: writing is refused", refused(lambda: odoo.execute("account.move", "write", ids[:1], {"ref": "x"}), error))
    return {one["id"]: one for one in moves.search_read([["id", "in", ids]], ["name", "amount_total", "partner_id"])}


def json2(url: str, by_rpc: dict) -> None:
    """odoo-json2 over `/json/2`."""
    client = JSON2Client(url, KEY, database=DATABASE)
    check("JSON-2: the version is found out", client.version()["version"] == "19.0")
    moves = client.env["account.move"]
    rows = moves.search_read([["id", "in", list(by_rpc)]], fields=["name", "amount_total", "partner_id"], order="id")
    check("JSON-2: the same records as by JSON-RPC", {one["id"]: one for one in rows} == by_rpc)
    check("JSON-2: read by number", moves.read([rows[0]["id"]], fields=["name"]) == [{"id": rows[0]["id"], "name": rows[0]["name"]}])
    fields = client.env["account.analytic.line"].fields_get(attributes=["type", "relation"])
    check("JSON-2: fields and their types", fields["move_line_id"]["relation"] == "account.move.line")

    groups = client.call(
        "account.move", "formatted_read_group", domain=INVOICES + [["state", "=", "posted"]],
        groupby=["currency_id"], aggregates=["amount_untaxed:sum", "__count"],
    )
    posted = moves.search_read(INVOICES + [["state", "=", "posted"]], fields=["currency_id", "amount_untaxed"])
    sums: dict = {}
    for one in posted:
        key = one["currency_id"][1]
        sums[key] = sums.get(key, Decimal(0)) + Decimal(str(one["amount_untaxed"]))
    by_group = {one["currency_id"][1]: Decimal(str(one["amount_untaxed:sum"])) for one in groups}
    check(f"JSON-2: sums by currency ({', '.join(sorted(sums))})", by_group == sums and sum(one["__count"] for one in groups) == len(posted))

    check("JSON-2: a wrong key is 401", refused(lambda: JSON2Client(url, "wrong").env["account.move"].search_count([]), OdooAuthError))
    check("JSON-2: an unknown model is 404", refused(lambda: client.env["crm.nope"].search_count([]), OdooNotFoundError))
    odd = lambda: client.call("account.move", "search_read", ids=[1], domain=[])
    check("JSON-2: record numbers for a method of the model are 422", refused(odd, OdooValidationError))
    check("JSON-2: writing is refused", refused(lambda: moves.write([1], {"ref": "x"}), OdooJSON2Error))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    base = sys.argv[1].rstrip("/")
    json2(base, json_rpc(base))
