"""Drives an embedded QuickBooks Online with python-quickbooks and Intuit's own intuit-oauth, clients by other people: a server
that only our connector understands would not count.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python check.py http://127.0.0.1:PORT

Prints one line per check and ends with 1 at the first that fails.
"""

import os
import sys
from decimal import Decimal

from intuitlib.client import AuthClient
from intuitlib.exceptions import AuthClientError
from quickbooks import QuickBooks
from quickbooks.exceptions import (
    AuthorizationException,
    ObjectNotFoundException,
    QuickbooksException,
    UnsupportedException,
    ValidationException,
)
from quickbooks.objects import (
    Account,
    Bill,
    CreditMemo,
    Customer,
    Estimate,
    Invoice,
    JournalEntry,
    Payment,
    Preferences,
    Purchase,
    PurchaseOrder,
    TimeActivity,
    Vendor,
    VendorCredit,
)

REALM = "4620816365000000001"

# The embedded system is on loopback.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"


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


def auth(url: str, secret: str = "demo-quickbooks-secret") -> AuthClient:
    # The environment may be the URL of a discovery document.
    return AuthClient("demo-quickbooks-client", secret, "http://localhost", f"{url}/.well-known/openid_configuration")


def connect(url: str, client: AuthClient, refresh_token: str, realm: str = REALM) -> QuickBooks:
    QuickBooks.api_url_v3 = f"{url}/v3"
    return QuickBooks(auth_client=client, refresh_token=refresh_token, company_id=realm, minorversion=75, use_decimal=True)


def every(kind, qb, where=""):
    found, start = [], 1
    while True:
        page = kind.where(where, order_by="Id", start_position=start, max_results=37, qb=qb)
        found += page
        if len(page) < 37:
            return found
        start += 37


def signs_in(url: str) -> QuickBooks:
    client = auth(url)
    qb = connect(url, client, "demo-quickbooks-refresh")
    check("a refresh token gives an access token", bool(client.access_token) and client.expires_in == 3600)
    check("and another refresh token, with its life", client.refresh_token != "demo-quickbooks-refresh" and client.x_refresh_token_expires_in > 0)
    first = client.refresh_token
    client.refresh()
    check("each refresh gives another one", client.refresh_token != first)
    check("the one before has ended", refused(lambda: auth(url).refresh(first), AuthClientError))
    check("a wrong secret is refused", refused(lambda: auth(url, "wrong").refresh("demo-quickbooks-refresh"), AuthClientError))
    qb = connect(url, client, client.refresh_token)
    other = connect(url, client, client.refresh_token, realm="1")
    check("a token is for one company", refused(lambda: Invoice.all(qb=other), QuickbooksException))
    stranger = connect(url, auth(url), "demo-quickbooks-refresh")
    stranger.session.token = {"access_token": "nonsense"}
    check("a wrong access token is refused", refused(lambda: Invoice.all(qb=stranger), AuthorizationException))
    return qb


def reads(url: str, qb: QuickBooks) -> None:
    prefs = Preferences.get(qb=qb)
    check("the company states its currency", prefs.CurrencyPrefs.HomeCurrency.value == "EUR" and prefs.CurrencyPrefs.MultiCurrencyEnabled)
    invoices = every(Invoice, qb)
    ids = [int(invoice.Id) for invoice in invoices]
    total = Invoice.count(qb=qb)
    check(f"pages of 37 give all {total} invoices, once each and in order", ids == sorted(set(ids)) and len(ids) == total)
    check("unless told, a page has a hundred rows", len(Invoice.query("select * from Invoice", qb=qb)) == min(total, 100))
    one = Invoice.get(ids[0], qb=qb)
    check("one record by its ID, with its lines", one.Id == str(ids[0]) and one.Line[0].DetailType == "SalesItemLineDetail")
    check("an unknown ID is not found", refused(lambda: Invoice.get(99999999, qb=qb), ObjectNotFoundException))
    chosen = Invoice.choose([str(id) for id in ids[3:9]], qb=qb)
    check("IN takes a list of IDs", sorted(int(invoice.Id) for invoice in chosen) == ids[3:9])

    lines = [sum(line.Amount for line in invoice.Line if line.DetailType == "SalesItemLineDetail") for invoice in invoices]
    nets = [invoice.TotalAmt - invoice.TxnTaxDetail.TotalTax for invoice in invoices]
    check("lines add up to the total less tax, to the last digit", all(Decimal(a) == Decimal(b) for a, b in zip(lines, nets)))
    foreign = [invoice for invoice in invoices if invoice.CurrencyRef.value != "EUR"]
    check("invoices in other currencies state a rate", len(foreign) > 0 and all(invoice.ExchangeRate != 1 for invoice in foreign))

    projects = every(Customer, qb, "IsProject = true and Active in (true, false)")
    check("projects are customers below customers", len(projects) > 10 and all(one.Job and one.ParentRef for one in projects))
    active = every(Customer, qb, "IsProject = true")
    check("those not in use are left out unless asked for", 0 < len(active) < len(projects))
    project = next(one for one in projects if any(invoice.CustomerRef.value == one.Id for invoice in invoices))
    code = project.DisplayName.split()[0]
    found = Customer.where(f"DisplayName LIKE '{code} %' and Active in (true, false)", qb=qb)
    check("a project is found by the beginning of its name", [one.Id for one in found] == [project.Id])
    check("a quote in a value is a part of it", Customer.where("DisplayName = 'O\\'Neil'", qb=qb) == [])
    sales = Invoice.filter(CustomerRef=project.Id, qb=qb)
    check("sales are asked for by customer", len(sales) == sum(invoice.CustomerRef.value == project.Id for invoice in invoices))

    paid = next(invoice for invoice in invoices if invoice.LinkedTxn)
    payment = Payment.get(int(paid.LinkedTxn[0].TxnId), qb=qb)
    links = [link.TxnId for line in payment.Line for link in line.LinkedTxn]
    check("an invoice names its payment, and the payment the invoice", paid.LinkedTxn[0].TxnType == "Payment" and paid.Id in links)
    check("credit memos state what is left of them", all(memo.RemainingCredit <= memo.TotalAmt for memo in every(CreditMemo, qb)))
    bills = every(Bill, qb)
    split = [{line.AccountBasedExpenseLineDetail.CustomerRef.value for line in bill.Line} for bill in bills]
    check("bills carry projects on their lines, some more than one", any(len(customers) > 1 for customers in split))
    check("vendors of bills are vendors", {bill.VendorRef.value for bill in bills} <= {vendor.Id for vendor in every(Vendor, qb)})
    check("vendor credits are read", len(every(VendorCredit, qb)) > 0)
    orders = every(PurchaseOrder, qb)
    check("orders are open or closed", {order.POStatus for order in orders} == {"Open", "Closed"})
    entries = every(JournalEntry, qb)
    sides = {"Debit": 1, "Credit": -1}
    balances = [sum(line.Amount * sides[line.JournalEntryLineDetail.PostingType] for line in entry.Line) for entry in entries]
    check(f"{len(entries)} journal entries balance", len(entries) > 0 and all(balance == 0 for balance in balances))
    accounts = {account.Id: account for account in every(Account, qb)}
    check("their rows are on accounts of the chart", all(line.JournalEntryLineDetail.AccountRef.value in accounts for entry in entries for line in entry.Line))
    check("time activities have hours and a cost rate", all(time.CostRate > 0 for time in TimeActivity.all(qb=qb)))
    check("drafts are estimates", len(every(Estimate, qb)) > 0)
    check("an entity without records is an empty list", Purchase.all(qb=qb) == [])

    check("OR is no part of the language", refused(lambda: Invoice.where("Id = '1' OR Id = '2'", qb=qb), ValidationException))
    check("a project reference cannot be asked for", refused(lambda: Invoice.where("ProjectRef = '1'", qb=qb), ValidationException))
    check("lines cannot be asked for", refused(lambda: Bill.where("CustomerRef = '1'", qb=qb), ValidationException))
    check("more than a thousand rows cannot be asked for", refused(lambda: Invoice.all(max_results=1001, qb=qb), ValidationException))
    check("nothing can be written", refused(lambda: one.save(qb=qb), UnsupportedException))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    url = sys.argv[1].rstrip("/")
    reads(url, signs_in(url))
