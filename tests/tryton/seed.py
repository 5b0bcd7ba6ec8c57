"""Puts the demo's company, and a few cases that it does not have, into an empty Tryton database.

Called by setup.sh with the environment variables SPINE_TRYTON_CONF (trytond.conf), SPINE_TRYTON_DB (name of the database),
SPINE_COMPANY (the company, as `spine demo --facts` prints it) and SPINE_TRYTON_PASSWORD (of the user that Spine signs in as).
Prints the key of the REST application, where the series has it.

Documents go through Tryton's own workflow (post, pay, reconcile, credit), many at a time. Only what the workflow would make
of stock and sequences is written as it would come out: states of purchases and opportunities, numbers of invoices.
"""
import datetime as dt
import json
import os
import sys
import time
from collections import defaultdict
from decimal import Decimal as D

from proteus import config as proteus_config

DB = os.environ['DB_NAME'] = os.environ['SPINE_TRYTON_DB']
proteus = proteus_config.set_trytond(database=DB, user='admin', config_file=os.environ['SPINE_TRYTON_CONF'])
proteus.skip_warning = True

from proteus import Model  # noqa: E402
from trytond import __version__  # noqa: E402
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, get_accounts  # noqa: E402
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences  # noqa: E402
from trytond.modules.company.tests.tools import create_company, get_company  # noqa: E402
from trytond.modules.currency.tests.tools import get_currency  # noqa: E402
from trytond.pool import Pool  # noqa: E402
from trytond.transaction import Transaction  # noqa: E402
from trytond.worker import run_task  # noqa: E402

try:
    from trytond.transaction import TransactionError
except ImportError:  # Series 6 locks when it has to.
    TransactionError = ()

SERIES = int(__version__.split('.')[0])
FACTS = json.load(open(os.environ['SPINE_COMPANY']))
BOOKS, TOOL, CRM = FACTS['sap'], FACTS['redmine'], FACTS['hubspot']


def day(text):
    return dt.date.fromisoformat(text[:10])


# --- What a company has before it does business: by the helpers that Tryton's own tests use.

create_company(currency=get_currency('EUR'))
company = get_company()
company.party.name = 'Spine Demo Ltd'
company.party.save()
company.cancel_invoice_out = True
company.save()
User = Model.get('res.user')
admin, = User.find([('login', '=', 'admin')])
if company not in admin.companies:
    admin.companies.append(Model.get('company.company')(company.id))
admin.company = Model.get('company.company')(company.id)
admin.save()
proteus._context = User.get_preferences(True, proteus.context)
create_chart()
for year in range(2023, 2028):
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    fiscalyear = create_fiscalyear(company, (first, last)) if SERIES > 6 else create_fiscalyear(company, first)
    fiscalyear.name, fiscalyear.start_date, fiscalyear.end_date = str(year), first, last
    fiscalyear = set_fiscalyear_invoice_sequences(fiscalyear)
    fiscalyear.click('create_period')
ACCOUNTS = {kind: account.id for kind, account in get_accounts().items()}
ACCOUNTS_COMPANY, EUR = company.id, company.currency.id

# --- From here on in bulk, with the server's own models.

pool = Pool(DB)
# What posting locks: named from the start, it need not be found out by trying.
EXTRAS = {} if SERIES < 8 else {
    '_lock_tables': ['account_journal_period'],
    '_lock_records': {'ir_sequence_strict': [s.id for s in Model.get('ir.sequence.strict').find([])]}}
CONTEXT = {'company': ACCOUNTS_COMPANY, '_skip_warnings': True, 'active_test': False}


def get(name):
    return pool.get(name)


def committed(step):
    """Runs a step in a transaction of its own, then what Tryton put off to do afterwards."""
    began = time.monotonic()
    while True:
        with Transaction().start(DB, 1, context=CONTEXT, **EXTRAS) as transaction:
            # Nobody reads the printed invoices.
            get('account.invoice').print_invoice = classmethod(lambda cls, *invoices: None)
            try:
                result = step()
            except TransactionError as error:
                # A table is to be locked from the start.
                transaction.rollback()
                transaction.tasks.clear()
                error.fix(EXTRAS)
                sys.stderr.write(f'again, with {EXTRAS}\n')
                continue
            transaction.commit()
        while transaction.tasks:
            run_task(pool, transaction.tasks.pop())
        sys.stderr.write(f'{step.__name__} {time.monotonic() - began:.1f} s\n')
        return result


def currencies():
    """A rate for each day on which a document has one. Tryton keeps foreign units per unit of the company's currency."""
    Currency, Rate, rates = get('currency.currency'), get('currency.currency.rate'), {}
    documents = [d for kind in ('invoices', 'purchaseInvoices', 'purchaseOrders', 'creditNotes', 'purchaseCreditNotes')
                 for d in BOOKS[kind]]
    for document in documents:
        if document['currency'] != 'EUR':
            # The first of a day decides; credit notes come last.
            rates.setdefault((document['currency'], day(document['date'])), D(document['rate']))
    keys = {'EUR': EUR}
    for code in sorted({code for code, _ in rates} | {'USD', 'GBP', 'CHF', 'SEK'}):
        found = Currency.search([('code', '=', code)])
        keys[code] = (found[0] if found else Currency.create([{
            'name': code, 'symbol': code, 'code': code, 'rounding': D('0.01')}])[0]).id
    Rate.delete(Rate.search([]))
    rows = [{'currency': EUR, 'date': dt.date(2000, 1, 1), 'rate': D(1)}]
    rows += [{'currency': keys[code], 'date': date, 'rate': (1 / rate).quantize(D('1e-20'))}
             for (code, date), rate in rates.items()]
    # For the cases below: two crowns a euro.
    rows.append({'currency': keys['SEK'], 'date': dt.date(2000, 1, 1), 'rate': D(2)})
    Rate.create(rows)
    return keys


CURRENCIES = committed(currencies)
CODES = {key: code for code, key in CURRENCIES.items()}


def parties():
    """Business partners, clients of the CRM and people."""
    cards = {d['cardCode']: d['cardName'] for kind in BOOKS.values() for d in kind if 'cardName' in d}
    Country = get('country.country')
    names = [(code, name) for code, name in sorted(cards.items())]
    known = {name for _, name in names}
    # The CRM's clients are those who are invoiced: one party for both.
    countries = {c['name']: c['country'] for c in CRM['companies']}
    names += [('M' + c['id'], c['name']) for c in CRM['companies'] if c['name'] not in known]
    names += [(f"E{person['id']}", person['name']) for person in people()]
    kept = {}
    for name in sorted(set(countries.values()) - {None}):
        kept[name] = Country.create([{'name': name}])[0].id
    values = [{'code': code, 'name': name,
               'addresses': [('create', [{'country': kept.get(countries.get(name))}])]} for code, name in names]
    made = get('party.party').create(values)
    return {p.name: p.id for p in made}, {p.code: p.id for p in made}


def people():
    return [{'id': u['id'], 'name': f"{u['firstName']} {u['lastName']}", 'email': u['email']} for u in TOOL['users']]


PARTIES, CARDS = committed(parties)


def setting():
    """Accounts beside the chart, taxes by hand, analytic accounts below two roots, a way to pay."""
    Account, Type = get('account.account'), get('account.account.type')
    expense = Account(ACCOUNTS['expense'])
    neutral = Account(ACCOUNTS['cash'])
    # Loans have neither parties nor expenses.
    rows = []
    for code, like in [('5000', expense), ('6100', expense), ('6200', expense), ('2650', neutral), ('2600', neutral),
                       ('1400', neutral), ('2900', neutral), ('7000', expense)]:
        rows.append({'code': code, 'name': f'Account {code}', 'type': like.type.id, 'company': ACCOUNTS_COMPANY})
    accounts = {a.code: a.id for a in Account.create(rows)}
    Journal = get('account.journal')
    cash = Journal.search([('type', '=', 'cash')], limit=1)[0]
    general = {'name': 'By hand', 'code': 'HAND', 'type': 'general'}
    if SERIES == 6:
        general['sequence'] = cash.sequence.id
    general, = Journal.create([general])
    if SERIES > 6:
        configuration = get('account.configuration')(1)
        configuration.currency_exchange_journal, = Journal.search([('type', '=', 'write-off')], limit=1) or (
            Journal.create([{'name': 'Exchange', 'code': 'EXCH', 'type': 'write-off'}]))
        configuration.currency_exchange_credit_account = accounts['7000']
        configuration.currency_exchange_debit_account = accounts['7000']
        configuration.save()
    method, = get('account.invoice.payment.method').create([{
        'name': 'Bank', 'company': ACCOUNTS_COMPANY, 'journal': cash.id,
        'credit_account': ACCOUNTS['cash'], 'debit_account': ACCOUNTS['cash']}])
    Analytic = get('analytic_account.account')
    base = {'company': ACCOUNTS_COMPANY}
    root, teams = Analytic.create([{**base, 'name': 'Projects', 'code': 'PROJECTS', 'type': 'root'},
                                   {**base, 'name': 'Teams', 'code': 'TEAMS', 'type': 'root'}])
    below = {**base, 'type': 'normal', 'root': root.id, 'parent': root.id}
    codes = [p['code'] for p in BOOKS['projects']] + [f'PRJ-2099-{n:03d}' for n in range(1, 13)]
    analytic = {a.code: a.id for a in Analytic.create([{**below, 'name': code, 'code': code} for code in codes])}
    # A team that is called like a project: in another dimension, and none of its money is the project's.
    team, = Analytic.create([{**base, 'name': 'Team', 'code': 'PRJ-2099-001', 'type': 'normal', 'root': teams.id,
                              'parent': teams.id}])
    both, = Analytic.create([{**below, 'name': 'Shared', 'code': 'SHARED', 'type': 'distribution', 'distributions': [
        ('create', [{'account': analytic['PRJ-2099-002'], 'ratio': D('0.3333')},
                    {'account': analytic['PRJ-2099-003'], 'ratio': D('0.6667')}])]}])
    nested, = Analytic.create([{**below, 'name': 'Shared again', 'code': 'SHARED2', 'type': 'distribution',
                                'distributions': [
                                    ('create', [{'account': both.id, 'ratio': D('0.5')},
                                                {'account': analytic['PRJ-2099-004'], 'ratio': D('0.5')}])]}])
    analytic.update({'SHARED': both.id, 'SHARED2': nested.id, 'typed': Analytic.create([
        {**below, 'name': 'typed', 'code': 'prj-2099-020'}])[0].id})
    return accounts, general.id, method.id, root.id, teams.id, team.id, analytic


BY_CODE, GENERAL, METHOD, ROOT, TEAMS, TEAM, ANALYTIC = committed(setting)


def entries(project, team=False):
    rows = [{'root': ROOT, 'account': ANALYTIC[project]}] if project else []
    if team:
        rows.append({'root': TEAMS, 'account': TEAM})
    return [('create', rows)] if rows else []


def invoice(direction, code, lines, date, due, tax=D(0), currency='EUR', reference=None, number=None, **more):
    """Values of an invoice. Lines are text, net and project; a negative one takes back."""
    outgoing = direction == 'out'
    party = get('party.party')(CARDS[code])
    account = ACCOUNTS['revenue' if outgoing else 'expense']
    base = sum(line[1] for line in lines)
    rows = []
    for text, net, project, *rest in lines:
        rows.append({
            'type': 'line', 'company': ACCOUNTS_COMPANY, 'currency': CURRENCIES[currency], 'description': text,
            'quantity': -1 if net < 0 else 1, 'unit_price': abs(net), 'account': account,
            'analytic_accounts': entries(project, *rest), **more.get('line', {})})
    values = {
        'type': direction, 'company': ACCOUNTS_COMPANY, 'payment_term_date': due, 'party': party.id, 'invoice_address': party.addresses[0].id,
        'currency': CURRENCIES[currency], 'invoice_date': date, 'accounting_date': date, 'reference': reference,
        'journal': get('account.journal').search([('type', '=', 'revenue' if outgoing else 'expense')], limit=1)[0].id,
        'account': ACCOUNTS['receivable' if outgoing else 'payable'], 'number': number,
        'lines': [('create', rows)]}
    if tax:
        values['taxes'] = [('create', [{'manual': True, 'description': 'Tax', 'account': ACCOUNTS['tax'], 'base': base,
                                        'amount': tax}])]
    return values


def own(document, field, of=None):
    """An amount of a document, or of one of its lines, in the document's currency."""
    return D((of or document)[field if document['currency'] == 'EUR' else field + 'Fc'])


def from_company(document, direction, sign=1):
    lines = [(line['description'], sign * own(document, 'net', line), line['project'] or document['project'])
             for line in document['lines']]
    return invoice(direction, document['cardCode'], lines, day(document['date']), day(document['due']),
                   sign * own(document, 'tax'), document['currency'], document['project'], str(document['docNum']))


def documents():
    """All documents of the company but those that cancel others, which Tryton makes itself."""
    Invoice = get('account.invoice')
    made = {}
    for kind, direction, sign in (('invoices', 'out', 1), ('creditNotes', 'out', -1), ('purchaseInvoices', 'in', 1),
                                  ('purchaseCreditNotes', 'in', -1)):
        rows = [d for d in BOOKS[kind] if d['cancelled'] != 'cancellation']
        new = Invoice.create([from_company(d, direction, sign) for d in rows])
        made.update({(kind, d['docEntry']): i.id for d, i in zip(rows, new)})
    invoices = Invoice.browse(list(made.values()))
    Invoice.update_taxes(invoices)
    Invoice.post(sorted(invoices, key=lambda i: (i.invoice_date, i.id)))
    drafts = [from_company(d, 'out') for d in BOOKS['drafts']]
    for draft in drafts:
        draft['number'] = None
    Invoice.update_taxes(Invoice.create(drafts))
    return made


MADE = committed(documents)


def cancellations():
    """Cancelled documents: credited with a refund, so that both are settled by each other."""
    Invoice = get('account.invoice')
    for kind in ('invoices', 'purchaseInvoices'):
        cancelled = [d for d in BOOKS[kind] if d['cancelled'] == 'yes']
        cancelling = [d for d in BOOKS[kind] if d['cancelled'] == 'cancellation']
        for document in cancelled:
            other = next(c for c in cancelling if c['total'] == document['total']
                         and c['cardCode'] == document['cardCode'])
            cancelling.remove(other)
            Invoice.credit([Invoice(MADE[kind, document['docEntry']])], refund=True, number=str(other['docNum']),
                           invoice_date=day(other['date']), accounting_date=day(other['date']),
                           payment_term_date=day(other['due']))


committed(cancellations)


def pay(invoice, amount, date, rest=None, **more):
    """Adds a payment to an invoice, in the invoice's currency. `rest` are the lines that it settles, if it is the last."""
    invoice = get('account.invoice')(invoice.id)
    method = get('account.invoice.payment.method')(METHOD)
    if SERIES > 6 or invoice.currency.id == EUR:
        return invoice.pay_invoice(amount, method, date, **more)
    # Series 6 wants the company's currency, and knows no differences of rates: the last payment takes what is left.
    if rest:
        local = abs(sum(line.debit - line.credit for line in rest))
    else:
        with Transaction().set_context(date=date):
            local = get('currency.currency').compute(invoice.currency, amount, get('currency.currency')(EUR))
    return invoice.pay_invoice(local, method, date, amount_second_currency=amount, second_currency=invoice.currency)


def settled():
    """What was paid, and what credit notes settled: the lines of what is settled in full are reconciled."""
    Invoice, Line = get('account.invoice'), get('account.move.line')
    cash = defaultdict(list)
    for payment in BOOKS['incomingPayments']:
        for applied in payment['applied']:
            if not payment['cancelled']:
                cash['invoices', applied['invoiceEntry']].append((day(payment['date']), applied))
    to_reconcile = []
    for kind, credits in (('invoices', 'creditNotes'), ('purchaseInvoices', 'purchaseCreditNotes')):
        open_credits = list(BOOKS[credits])
        for document in BOOKS[kind]:
            paid = own(document, 'paid')
            if document['cancelled'] != 'no' or not paid:
                continue
            made = Invoice(MADE[kind, document['docEntry']])
            received = [(date, D(a['amount']) if document['currency'] == 'EUR' else D(a['amountFc']))
                        for date, a in cash[kind, document['docEntry']]]
            by_credit = paid - sum(amount for _, amount in received) if kind == 'invoices' else D(0)
            lines = []
            for credit in open_credits:
                mine = credit['cardCode'] == document['cardCode'] and credit['currency'] == document['currency']
                is_it = own(credit, 'total') == by_credit if kind == 'invoices' else (
                    credit['project'] == document['project'] and credit['date'] >= document['date'])
                if mine and is_it:
                    open_credits.remove(credit)
                    lines += Invoice(MADE[credits, credit['docEntry']]).lines_to_pay
                    by_credit = own(credit, 'total')
                    break
            if kind == 'purchaseInvoices':
                # The company does not say when it paid.
                received = [(day(document['due']), paid - by_credit)] if paid > by_credit else []
            is_settled = paid == own(document, 'total')
            for number, (date, amount) in enumerate(sorted(received), 1):
                rest = [*made.lines_to_pay, *lines] if is_settled and number == len(received) else None
                lines += pay(made, amount, date, rest)
            if is_settled:
                to_reconcile.append([*made.lines_to_pay, *lines])
    for lines in to_reconcile:
        Line.reconcile(lines)


committed(settled)


def orders():
    """Purchases. What of an order was billed, was billed to nobody: the company's bills are others."""
    Purchase, Invoice = get('purchase.purchase'), get('account.invoice')
    rows, states, billed = [], [], []
    for document in BOOKS['purchaseOrders']:
        party = get('party.party')(CARDS[document['cardCode']])
        lines = [{'type': 'line', 'description': line['description'], 'quantity': float(own(document, 'net', line)),
                  'unit_price': D(1), 'analytic_accounts': entries(line['project'] or document['project'])}
                 for line in document['lines']]
        rows.append({'company': ACCOUNTS_COMPANY, 'party': party.id, 'invoice_address': party.addresses[0].id,
                     'currency': CURRENCIES[document['currency']], 'purchase_date': day(document['date']),
                     'number': str(document['docNum']), 'reference': document['project'],
                     'invoice_method': 'manual', 'lines': [('create', lines)]})
        states.append('cancelled' if document['cancelled'] == 'yes' else 'processing' if document['open'] else 'done')
    for purchase, document, state in zip(Purchase.create(rows), BOOKS['purchaseOrders'], states):
        Purchase.write([purchase], {'state': state})
        for line, fact in zip(purchase.lines, document['lines']):
            delivered = own(document, 'net', fact) - own(document, 'openNet', fact)
            if state == 'processing' and delivered:
                values = invoice('in', document['cardCode'], [(fact['description'], delivered, None)],
                                 day(document['date']), day(document['due']), currency=document['currency'])
                row, = values['lines'][0][1]
                row.update({'quantity': float(delivered), 'unit_price': D(1), 'origin': f'purchase.line,{line.id}'})
                billed.append(values)
    Invoice.post(Invoice.create(billed))


committed(orders)


def journal():
    """What was posted by hand. The lines with a project are analytic, on balance sheet accounts too."""
    Move, Period = get('account.move'), get('account.period')
    rows = []
    for entry in BOOKS['journalEntries']:
        if entry['manual']:
            date = day(entry['date'])
            lines = [move_line(BY_CODE[line['account']], D(line['debit']), D(line['credit']), line['project'], date)
                     for line in entry['lines']]
            rows.append({'company': ACCOUNTS_COMPANY, 'journal': GENERAL, 'date': date,
                         'period': Period.find(ACCOUNTS_COMPANY, date=date).id
                         if SERIES > 6 else Period.find(ACCOUNTS_COMPANY, date=date),
                         'description': entry['memo'], 'lines': [('create', lines)]})
    Move.post(Move.create(rows))


def move_line(account, debit, credit, project, date):
    values = {'account': account, 'debit': debit, 'credit': credit}
    if project:
        values['analytic_lines'] = [('create', [{'account': ANALYTIC[project], 'debit': debit, 'credit': credit,
                                                 'date': date}])]
    return values


committed(journal)


def delivery():
    """Projects with their tasks and hours. Archived projects are not in Tryton."""
    Employee, Work, Line = get('company.employee'), get('project.work'), get('timesheet.line')
    Status = get('project.work.status')
    running, = Status.search([('name', '=', 'Open')], limit=1)
    done, = Status.search([('name', '=', 'Done')], limit=1)
    employees = {}
    for person in people():
        employees[person['id']], = Employee.create([{
            'party': CARDS[f"E{person['id']}"], 'company': ACCOUNTS_COMPANY,
            'cost_prices': [('create', [{'date': dt.date(2020, 1, 1), 'cost_price': D('40.25') + int(person['id'])}])]}])
    shown = [p for p in TOOL['projects'] if p['status'] != 9]
    clients = {c['id']: c['name'] for c in CRM['companies']}
    numbers, works, rows = set(), {}, []
    for project in shown:
        typed = project['sharedId']
        values = {'name': project['name'], 'type': 'project', 'company': ACCOUNTS_COMPANY, 'comment': typed,
                  'timesheet_available': True, 'status': done.id if project['status'] == 5 else running.id,
                  'progress': 1.0 if project['status'] == 5 else None}
        if SERIES > 6 and typed and typed not in numbers:
            # A number is unique. Here the sequence that gives it is the one that gives shared IDs.
            numbers.add(typed)
            values['number'] = typed
        rows.append(values)
    # A project that is done has only tasks that are done: it becomes so after they are there.
    finals = [(row.pop('status'), row.pop('progress')) for row in rows]
    made = Work.create([{**row, 'status': running.id} for row in rows])
    works = {project['id']: work for project, work in zip(shown, made)}
    tasks = {}
    waiting = [i for i in TOOL['issues'] if i['projectId'] in works]
    parents = {i.get('parentId') for i in waiting}
    over = {p['id'] for p in shown if p['status'] == 5}
    while waiting:
        ready = [i for i in waiting if i.get('parentId') is None or i['parentId'] in tasks]
        values = []
        for issue in ready:
            parent = tasks.get(issue.get('parentId')) or works[issue['projectId']]
            is_done = issue['projectId'] in over or (issue['closed'] and issue['id'] not in parents)
            hours = issue.get('estimatedHours')
            values.append({
                'name': issue['subject'], 'type': 'task', 'company': ACCOUNTS_COMPANY, 'parent': parent.id,
                'timesheet_available': True, 'status': running.id, 'progress': 1.0 if is_done else 0.0,
                'effort_duration': dt.timedelta(hours=float(hours)) if hours is not None else None})
        tasks.update({issue['id']: task for issue, task in zip(ready, Work.create(values))})
        waiting = [i for i in waiting if i['id'] not in tasks]
    for (status, progress), work in zip(finals, made):
        Work.write([work], {'status': status, 'progress': progress})
    lines = []
    for entry in TOOL['timeEntries']:
        work = tasks.get(entry.get('issueId')) or works.get(entry['projectId'])
        if work:
            lines.append({
                'company': ACCOUNTS_COMPANY, 'employee': employees[entry['userId']].id, 'date': day(entry['spentOn']),
                'duration': dt.timedelta(hours=float(entry['hours'])), 'work': Work(work.id).timesheet_works[0].id,
                'description': entry['activity']})
    Line.create(lines)
    # A project below a project, with a shared ID of its own: hours on it are not the upper one's.
    upper, = Work.create([{'name': 'Upper', 'type': 'project', 'company': ACCOUNTS_COMPANY, 'comment': 'PRJ-2099-001',
                           'timesheet_available': True, 'status': running.id, 'effort_duration': dt.timedelta(hours=10),
                           'progress': 0.5}])
    lower, task = Work.create([
        {'name': 'Lower', 'type': 'project', 'company': ACCOUNTS_COMPANY, 'comment': 'prj-2099-002',
         'timesheet_available': True, 'status': running.id, 'parent': upper.id},
        {'name': 'Task', 'type': 'task', 'company': ACCOUNTS_COMPANY, 'timesheet_available': True,
         'status': running.id, 'parent': upper.id}])
    one = employees[people()[0]['id']].id
    Line.create([{'company': ACCOUNTS_COMPANY, 'employee': one, 'date': dt.date(2026, 1, 5),
                  'duration': dt.timedelta(minutes=minutes), 'work': Work(work.id).timesheet_works[0].id}
                 for work, minutes in ((upper, 90), (lower, 45), (task, 20))])
    return employees


EMPLOYEES = committed(delivery)


def commercial():
    Opportunity = get('sale.opportunity')
    clients = {c['id']: c['name'] for c in CRM['companies']}
    owners = {owner['email']: owner['id'] for owner in CRM['owners']}
    by_owner = {owners[person['email']]: EMPLOYEES[person['id']].id for person in people()}
    rows, states = [], []
    for deal in CRM['deals']:
        party = PARTIES.get(clients.get(deal['companyId']))
        state = 'won' if deal['isWon'] else 'lost' if deal['isClosed'] else 'opportunity'
        values = {
            'company': ACCOUNTS_COMPANY, 'description': deal['name'], 'reference': deal['sharedId'],
            'party': party, 'employee': by_owner.get(deal['ownerId']), 'comment': deal['scope'],
            'amount': D(deal['amount']) if deal['amount'] is not None else None,
            'start_date': day(deal['createdAt']), 'end_date': day(deal['closeDate']) if deal['closeDate'] else None}
        if SERIES > 6:
            values['currency'] = CURRENCIES[deal['currency'] or 'EUR']
        rows.append(values)
        # Only a lead may be without a party or an employee.
        states.append(state if party and values['employee'] else 'lead')
    for opportunity, state in zip(Opportunity.create(rows), states):
        if state != 'lead':
            Opportunity.write([opportunity], {'state': state})


committed(commercial)

JANUARY, FEBRUARY = dt.date(2026, 1, 15), dt.date(2026, 2, 15)


def cases():
    """What the company does not have. `tests/real_tryton.rs` says of each what must come of it."""
    Invoice, Line = get('account.invoice'), get('account.move.line')
    client, vendor = sorted(c for c in CARDS if c[0] == 'C')[0], sorted(c for c in CARDS if c[0] == 'V')[0]

    def posted(direction, net, project, tax=D(0), **more):
        values = invoice(direction, client if direction == 'out' else vendor, [('Work', D(net), project, True)], JANUARY,
                         FEBRUARY, tax, **more)
        made, = Invoice.create([values])
        Invoice.update_taxes([made])
        Invoice.post([made])
        return Invoice(made.id)

    # 1: 1190.00, for which 1000.00 and 300.00 came in. Tryton lets no invoice be paid beyond its total: the rest stays on
    # the client's account.
    one = posted('out', '1000', 'PRJ-2099-001', D('190'), number='OVERPAID')
    pay(one, D('1000'), FEBRUARY)
    pay(one, D('300'), FEBRUARY, overpayment=D('110'))
    one = Invoice(one.id)
    Line.reconcile([*one.lines_to_pay, *one.payment_lines])
    # 2 and 3: an invoice and a bill shared out by a distribution, by thirds; and one by a distribution of it.
    posted('out', '100', 'SHARED', number='SHARED')
    posted('in', '100.01', 'SHARED', number='SHARED-BILL')
    posted('in', '10.01', 'SHARED2', number='SHARED-AGAIN')
    # 4: a credit note that pays an invoice, without being reconciled with it: 1000.00 less 300.00.
    four, credit = posted('out', '1000', 'PRJ-2099-004', number='CREDITED'), posted('out', '-300', 'PRJ-2099-004',
                                                                                    number='CREDIT')
    Invoice.add_payment_lines({four: list(credit.lines_to_pay)})
    # 5: credited without a refund: both stay open, and add up to nothing.
    five = posted('out', '300', 'PRJ-2099-005', number='BACK')
    back = Invoice.credit([five], invoice_date=FEBRUARY, accounting_date=FEBRUARY, number='BACK-CREDIT')
    Invoice.post(back)
    # 6: cancelled by the button, which makes a posting and no document; a bill likewise.
    Invoice.cancel([posted('out', '400', 'PRJ-2099-006', number='BUTTON')])
    Invoice.cancel([posted('in', '250', 'PRJ-2099-006', number='BUTTON-BILL')])
    # 7: two crowns a euro, partly paid; a bill in crowns.
    seven = posted('out', '200', 'PRJ-2099-007', D('38'), currency='SEK', number='CROWNS')
    pay(seven, D('38'), JANUARY)
    posted('in', '50', 'PRJ-2099-007', currency='SEK', number='CROWN-BILL')
    # 8: a bill that has a number and is not posted; a draft; a retainer that is paid.
    values = invoice('in', vendor, [('Work', D('70'), 'PRJ-2099-008')], JANUARY, FEBRUARY, number='VALIDATED')
    Invoice.validate_invoice(Invoice.create([values]))
    Invoice.create([invoice('in', vendor, [('Work', D('80'), 'PRJ-2099-008')], JANUARY, FEBRUARY)])
    retainer = posted('out', '500', 'PRJ-2099-008', D('95'), number='RETAINER')
    Line.reconcile([*retainer.lines_to_pay, *pay(retainer, D('595'), FEBRUARY)])
    # ... of which the final invoice takes off what was paid before.
    final, = Invoice.create([invoice('out', client, [('All of it', D('1200'), 'PRJ-2099-008'),
                                                     ('Retainer', D('-500'), 'PRJ-2099-008')], JANUARY, FEBRUARY,
                                     number='FINAL')])
    Invoice.post([final])
    # 9: moved to another project: what was booked on 9 is booked on 10 instead.
    nine = posted('in', '600', 'PRJ-2099-009', number='MOVED')
    Invoice.cancel([nine])
    posted('in', '600', 'PRJ-2099-010', number='MOVED-HERE')
    # 11: an order of 100 at 3.50, of which 40 are billed, 10 of them not posted yet; and a return.
    Purchase = get('purchase.purchase')
    party = get('party.party')(CARDS[vendor])
    order, = Purchase.create([{
        'company': ACCOUNTS_COMPANY, 'party': party.id, 'invoice_address': party.addresses[0].id, 'currency': EUR,
        'purchase_date': JANUARY, 'number': 'ORDER', 'reference': 'PRJ-2099-011', 'invoice_method': 'manual',
        'lines': [('create', [
            {'type': 'line', 'description': 'Pumps', 'quantity': 100, 'unit_price': D('3.5'),
             'analytic_accounts': entries('PRJ-2099-011')},
            {'type': 'line', 'description': 'Return', 'quantity': -5, 'unit_price': D('3.5'),
             'analytic_accounts': entries('PRJ-2099-011')},
            {'type': 'comment', 'description': 'Deliver at night'}])]}])
    Purchase.write([order], {'state': 'confirmed'})
    for count, is_posted in ((30, True), (10, False)):
        values = invoice('in', vendor, [('Pumps', D('3.5'), 'PRJ-2099-011')], JANUARY, FEBRUARY)
        values['lines'][0][1][0].update({'quantity': count, 'origin': f'purchase.line,{order.lines[0].id}'})
        bill, = Invoice.create([values])
        if is_posted:
            Invoice.post([bill])
    # 12: nothing at all.


committed(cases)


def users():
    """A user who may read what Spine reads, and write nothing of it."""
    models = os.environ['SPINE_TRYTON_READS'].split()
    Access, group = get('ir.model.access'), get('res.group').create([{'name': 'Spine'}])[0]
    key = {'model': lambda name: name}
    if SERIES < 7:
        Models = get('ir.model')
        key = {'model': lambda name: Models.search([('model', '=', name)])[0].id}
    Access.create([{'model': key['model'](name), 'group': group.id, 'perm_read': True, 'perm_write': False,
                    'perm_create': False, 'perm_delete': False} for name in models])
    # What an hour costs is shown to nobody else.
    field = {'model': 'timesheet.line', 'field': 'cost_price'}
    if SERIES < 7:
        Fields = get('ir.model.field')
        field = {'field': Fields.search([('model.model', '=', 'timesheet.line'), ('name', '=', 'cost_price')])[0].id}
    get('ir.model.field.access').create([{**field, 'group': group.id, 'perm_read': True, 'perm_write': False,
                                          'perm_create': False, 'perm_delete': False}])
    user, = get('res.user').create([{
        'name': 'Spine', 'login': 'spine', 'password': os.environ['SPINE_TRYTON_PASSWORD'],
        'companies': [('add', [ACCOUNTS_COMPANY])], 'company': ACCOUNTS_COMPANY, 'groups': [('add', [group.id])]}])
    if SERIES < 8:
        return ''
    Application = get('res.user.application')
    application, = Application.create([{'application': 'rest', 'user': user.id}])
    Application.validate_([application])
    return application.key


sys.stdout.write(committed(users))
