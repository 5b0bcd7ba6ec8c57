//! The questions, in SuiteQL. It takes no parameters over REST: values stand in the text. A value gets in by [`text`] or as
//! a number alone, and is a shared ID or a record ID that was read as such before.

use jiff::civil::Date;

use super::config::Config;
use crate::domain::{InvoiceQuery, ProjectId};

/// Most values of one list.
pub(super) const MAX_VALUES: usize = 1000;

/// A text as a literal: `O'Neil` becomes `'O''Neil'`.
pub(super) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn list(values: impl IntoIterator<Item = String>) -> String {
    values.into_iter().collect::<Vec<_>>().join(",")
}

fn day(day: Date) -> String {
    format!("TO_DATE('{day}', 'YYYY-MM-DD')")
}

/// Types of transactions that are documents of one direction.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Types {
    /// They bill.
    pub(super) invoices: &'static [&'static str],
    /// They take back.
    pub(super) credits: &'static [&'static str],
}

impl Types {
    fn list(&self, invoices: bool, credits: bool) -> String {
        let invoices = self.invoices.iter().filter(|_| invoices);
        list(invoices.chain(self.credits.iter().filter(|_| credits)).map(|name| text(name)))
    }

    fn all(&self) -> String {
        self.list(true, true)
    }
}

/// How the questions are put to this account.
#[derive(Debug)]
pub(super) struct Sql {
    /// The column of `job` that holds the shared ID.
    shared_id: String,
    /// Whether lines tell their base currency by their subsidiary.
    subsidiaries: bool,
    accounting_book: Option<u32>,
}

/// The project of a line: its own entity, or the document's where it has none. An entity that is no project joins nothing.
const PROJECT: &str = "job j ON j.id = COALESCE(tl.entity, t.entity)";

/// Lines of sales and purchases themselves: no control line, no tax, no cost of goods, and no discount on the whole, which
/// is nobody's in particular. Lines without an amount in either currency are text.
const NET_LINES: &str = "tl.mainline = 'F' AND tl.taxline = 'F' AND tl.iscogs = 'F' AND tl.transactiondiscount = 'F' \
                         AND (tl.foreignamount IS NOT NULL OR tl.netamount IS NOT NULL)";

/// The currency of a document. Where the role does not see it, the document is there all the same, and its amounts are not.
const CURRENCY: &str = "LEFT JOIN currency c ON c.id = t.currency";

/// Lines of sales are what was invoiced, whatever account they are on: a discount on an account of cost takes off there. Only
/// the cost of the goods that stands beside them is a cost.
const NO_SALE: &str = "(t.type NOT IN ('CustInvc','CustCred','CashSale','CashRfnd') OR tl.iscogs = 'T')";

impl Sql {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            shared_id: config.shared_id.clone(),
            subsidiaries: config.base_currency.is_none(),
            accounting_book: config.accounting_book,
        }
    }

    fn projects(&self, ids: &[ProjectId]) -> String {
        format!("j.{} IN ({})", self.shared_id, list(ids.iter().map(|id| text(id.as_str()))))
    }

    /// The base currency as a column, and the joins it needs.
    fn base(&self) -> (&'static str, &'static str) {
        if self.subsidiaries {
            ("b.symbol", " LEFT JOIN subsidiary s ON s.id = tl.subsidiary LEFT JOIN currency b ON b.id = s.currency")
        } else {
            ("NULL", "")
        }
    }

    fn book(&self, table: &str) -> String {
        self.accounting_book.map_or_else(String::new, |book| format!(" AND {table}.accountingbook = {book}"))
    }

    /// Of these projects, those that there are.
    pub(super) fn known_projects(&self, ids: &[ProjectId]) -> String {
        format!(
            "SELECT j.id AS id, j.{} AS project FROM job j WHERE {} ORDER BY j.id",
            self.shared_id,
            self.projects(ids)
        )
    }

    /// The documents with lines for these projects that also meet a query, in the order of their IDs.
    pub(super) fn documents_by_project(
        &self,
        types: &Types,
        ids: &[ProjectId],
        query: &InvoiceQuery,
        after: u64,
    ) -> String {
        format!(
            "SELECT DISTINCT t.id AS document FROM transactionline tl INNER JOIN transaction t ON t.id = tl.transaction \
             INNER JOIN transactionline m ON m.transaction = t.id AND m.mainline = 'T' INNER JOIN {PROJECT} \
             WHERE tl.mainline = 'F' AND tl.taxline = 'F' AND {} AND {} ORDER BY t.id",
            self.projects(ids),
            conditions(types, query, after),
        )
    }

    /// The documents that meet a query, in the order of their IDs.
    pub(super) fn documents(types: &Types, query: &InvoiceQuery, after: u64) -> String {
        format!(
            "SELECT t.id AS document FROM transaction t \
             INNER JOIN transactionline m ON m.transaction = t.id AND m.mainline = 'T' WHERE {} ORDER BY t.id",
            conditions(types, query, after),
        )
    }

    /// All lines of these documents, each beside its head.
    pub(super) fn lines(&self, types: &Types, documents: &[u64]) -> String {
        let (base, base_joins) = self.base();
        format!(
            "SELECT t.id AS document, tl.id AS line, t.type AS doctype, t.tranid AS tranid, t.status AS status, \
             t.voided AS voided, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS issued, TO_CHAR(t.duedate, 'YYYY-MM-DD') AS due, \
             c.symbol AS currency, {base} AS basecurrency, e.entityid AS partycode, e.altname AS partyname, \
             tl.mainline AS mainline, tl.taxline AS taxline, tl.iscogs AS iscogs, \
             tl.transactiondiscount AS transactiondiscount, tl.memo AS memo, tl.quantity AS quantity, \
             tl.foreignamount AS foreignamount, tl.netamount AS netamount, \
             tl.foreignamountpaid AS foreignamountpaid, tl.foreignamountunpaid AS foreignamountunpaid, \
             tl.foreignpaymentamountused AS foreignpaymentamountused, \
             tl.foreignpaymentamountunused AS foreignpaymentamountunused, \
             tal.amountpaid AS amountpaid, tal.amountunpaid AS amountunpaid, \
             tal.paymentamountused AS paymentamountused, tal.paymentamountunused AS paymentamountunused, \
             j.{} AS project \
             FROM transactionline tl INNER JOIN transaction t ON t.id = tl.transaction \
             {CURRENCY}{base_joins} \
             LEFT JOIN job h ON h.id = t.entity LEFT JOIN entity e ON e.id = COALESCE(h.customer, t.entity) \
             LEFT JOIN {PROJECT} \
             LEFT JOIN transactionaccountingline tal ON tal.transaction = tl.transaction AND tal.transactionline = tl.id{} \
             WHERE tl.transaction IN ({}) AND t.type IN ({}) AND t.posting = 'T' ORDER BY t.id, tl.id",
            self.shared_id,
            self.book("tal"),
            list(documents.iter().map(u64::to_string)),
            types.all(),
        )
    }

    /// What came in on these documents, in the currency of each; or in the base currency.
    pub(super) fn payments(&self, documents: &[u64], base: bool) -> String {
        let (table, amount, book) = if base {
            ("nexttransactionaccountinglinelink", "amount", self.book("l"))
        } else {
            ("nexttransactionlinelink", "foreignamount", String::new())
        };
        format!(
            "SELECT l.previousdoc AS document, p.id AS payment, TO_CHAR(p.trandate, 'YYYY-MM-DD') AS received, \
             SUM(l.{amount}) AS amount FROM {table} l INNER JOIN transaction p ON p.id = l.nextdoc \
             WHERE l.previousdoc IN ({}) AND l.linktype = 'Payment' AND p.type IN ('CustPymt','DepAppl') \
             AND p.voided = 'F' AND p.posting = 'T'{book} GROUP BY l.previousdoc, p.id, p.trandate \
             ORDER BY l.previousdoc, p.id",
            list(documents.iter().map(u64::to_string)),
        )
    }

    /// Documents of these projects with a discount on the whole: what a project has of it cannot be added up by lines.
    pub(super) fn discounted(&self, types: &Types, ids: &[ProjectId]) -> String {
        format!(
            "SELECT DISTINCT t.id AS document FROM transactionline d \
             INNER JOIN transactionline tl ON tl.transaction = d.transaction \
             INNER JOIN transaction t ON t.id = tl.transaction INNER JOIN {PROJECT} \
             WHERE d.transactiondiscount = 'T' AND {NET_LINES} AND t.type IN ({}) AND t.posting = 'T' \
             AND t.voided = 'F' AND {} ORDER BY t.id",
            types.all(),
            self.projects(ids),
        )
    }

    /// What was invoiced, added up by project and currency, without these documents.
    pub(super) fn invoiced(&self, types: &Types, ids: &[ProjectId], without: &[u64]) -> String {
        let (base, base_joins) = self.base();
        let (base_group, without) = (
            if self.subsidiaries { ", b.symbol" } else { "" },
            if without.is_empty() {
                String::new()
            } else {
                format!(" AND t.id NOT IN ({})", list(without.iter().map(u64::to_string)))
            },
        );
        format!(
            "SELECT j.{id} AS project, t.type AS doctype, c.symbol AS currency, {base} AS basecurrency, \
             SUM(tl.foreignamount) AS foreignamount, SUM(tl.netamount) AS amount, COUNT(*) AS linecount, \
             COUNT(tl.foreignamount) AS foreignrows, COUNT(tl.netamount) AS baserows, COUNT(DISTINCT t.id) AS records \
             FROM transactionline tl INNER JOIN transaction t ON t.id = tl.transaction INNER JOIN {PROJECT} \
             {CURRENCY}{base_joins} \
             WHERE {NET_LINES} AND t.type IN ({types}) AND t.posting = 'T' AND t.voided = 'F' AND {projects}{without} \
             GROUP BY j.{id}, t.type, c.symbol{base_group} ORDER BY j.{id}, t.type, c.symbol{base_group}",
            id = self.shared_id,
            types = types.all(),
            projects = self.projects(ids),
        )
    }

    /// What every question for spent costs shares: lines in the ledger, on accounts of cost, and on those that the role does
    /// not see, of which nobody can say. A voided document has nothing in the ledger, or an entry beside it that takes it back.
    fn spent_from(&self, ids: &[ProjectId]) -> String {
        let (_, base_joins) = self.base();
        format!(
            "FROM transactionaccountingline tal \
             INNER JOIN transactionline tl ON tl.transaction = tal.transaction AND tl.id = tal.transactionline \
             INNER JOIN transaction t ON t.id = tal.transaction INNER JOIN {PROJECT} \
             LEFT JOIN account a ON a.id = tal.account {CURRENCY}{base_joins} LEFT JOIN entity e ON e.id = t.entity \
             WHERE tal.posting = 'T' AND tal.amount <> 0 AND {NO_SALE} \
             AND (a.accttype IN ('COGS','Expense','OthExpense') OR a.accttype IS NULL) AND {}{}",
            self.projects(ids),
            self.book("tal"),
        )
    }

    /// What was spent, line by line.
    pub(super) fn spent(&self, ids: &[ProjectId]) -> String {
        format!(
            "SELECT t.id AS document, tl.id AS line, t.type AS doctype, t.tranid AS tranid, \
             TO_CHAR(t.trandate, 'YYYY-MM-DD') AS issued, c.symbol AS currency, {} AS basecurrency, \
             a.acctnumber AS account, a.accttype AS accounttype, e.entityid AS partycode, e.altname AS partyname, \
             tl.memo AS memo, \
             tl.foreignamount AS foreignamount, tal.amount AS amount, j.{} AS project {} ORDER BY t.id, tl.id",
            self.base().0,
            self.shared_id,
            self.spent_from(ids),
        )
    }

    /// What was spent, added up by project, type, account and currency.
    pub(super) fn spent_sums(&self, ids: &[ProjectId]) -> String {
        let base_group = if self.subsidiaries { ", b.symbol" } else { "" };
        format!(
            "SELECT j.{id} AS project, t.type AS doctype, a.acctnumber AS account, a.accttype AS accounttype, \
             c.symbol AS currency, \
             {base} AS basecurrency, SUM(tl.foreignamount) AS foreignamount, SUM(tal.amount) AS amount, \
             COUNT(*) AS records, COUNT(tl.foreignamount) AS foreignrows, \
             MIN(tal.accountingbook) AS firstbook, MAX(tal.accountingbook) AS lastbook {from} \
             GROUP BY j.{id}, t.type, a.acctnumber, a.accttype, c.symbol{base_group} \
             ORDER BY j.{id}, t.type, a.acctnumber, a.accttype, c.symbol{base_group}",
            id = self.shared_id,
            base = self.base().0,
            from = self.spent_from(ids),
        )
    }

    /// Lines of orders that are open: not closed, and not billed in full. What has no quantity says nothing of what was
    /// billed of it.
    pub(super) fn ordered(&self, ids: &[ProjectId]) -> String {
        let (base, base_joins) = self.base();
        format!(
            "SELECT t.id AS document, tl.id AS line, t.type AS doctype, t.tranid AS tranid, t.status AS status, \
             TO_CHAR(t.trandate, 'YYYY-MM-DD') AS issued, c.symbol AS currency, {base} AS basecurrency, \
             t.exchangerate AS exchangerate, e.entityid AS partycode, e.altname AS partyname, tl.memo AS memo, \
             tl.quantity AS quantity, tl.quantitybilled AS quantitybilled, tl.foreignamount AS foreignamount, \
             j.{} AS project FROM transactionline tl INNER JOIN transaction t ON t.id = tl.transaction \
             INNER JOIN {PROJECT} {CURRENCY}{base_joins} LEFT JOIN entity e ON e.id = t.entity \
             WHERE t.type = 'PurchOrd' AND t.voided = 'F' AND tl.mainline = 'F' AND tl.taxline = 'F' \
             AND tl.isclosed = 'F' AND (tl.quantity IS NULL OR tl.quantity <> NVL(tl.quantitybilled, 0)) \
             AND (tl.foreignamount IS NOT NULL OR tl.netamount IS NOT NULL) \
             AND {} ORDER BY t.id, tl.id",
            self.shared_id,
            self.projects(ids),
        )
    }

    /// Of the lines of these orders, those of which something was billed.
    pub(super) fn billed(orders: &[u64]) -> String {
        format!(
            "SELECT DISTINCT l.previousdoc AS document, l.previousline AS line FROM nexttransactionlinelink l \
             WHERE l.previousdoc IN ({}) AND l.nexttype = 'VendBill' ORDER BY l.previousdoc, l.previousline",
            list(orders.iter().map(u64::to_string)),
        )
    }

    /// What time entries share: hours worked (not planned), and the project they are for.
    fn time_from(&self, ids: &[ProjectId]) -> String {
        let base_joins = if self.subsidiaries {
            " LEFT JOIN subsidiary s ON s.id = tb.subsidiary LEFT JOIN currency b ON b.id = s.currency"
        } else {
            ""
        };
        format!(
            "FROM timebill tb INNER JOIN job j ON j.id = tb.customer{base_joins} WHERE tb.timetype = 'A' AND {}",
            self.projects(ids),
        )
    }

    /// Hours worked, entry by entry, with what an hour costs.
    pub(super) fn time(&self, ids: &[ProjectId]) -> String {
        format!(
            "SELECT tb.id AS document, TO_CHAR(tb.trandate, 'YYYY-MM-DD') AS issued, {base} AS basecurrency, \
             {base} AS currency, tb.memo AS memo, tb.hours * tb.laborcost AS amount, j.{} AS project {} ORDER BY tb.id",
            self.shared_id,
            self.time_from(ids),
            base = self.base().0,
        )
    }

    /// Hours worked at what they cost, added up by project.
    pub(super) fn time_sums(&self, ids: &[ProjectId]) -> String {
        let base_group = if self.subsidiaries { ", b.symbol" } else { "" };
        format!(
            "SELECT j.{id} AS project, {base} AS basecurrency, {base} AS currency, \
             SUM(tb.hours * tb.laborcost) AS amount, COUNT(*) AS records, COUNT(tb.hours * tb.laborcost) AS priced {from} \
             GROUP BY j.{id}{base_group} ORDER BY j.{id}{base_group}",
            id = self.shared_id,
            base = self.base().0,
            from = self.time_from(ids),
        )
    }
}

/// The conditions of a query on documents; `m` is the control line of `t`.
fn conditions(types: &Types, query: &InvoiceQuery, after: u64) -> String {
    use crate::domain::InvoiceKind;

    let invoices = query.kind.is_none_or(|kind| kind == InvoiceKind::Invoice);
    let credits = query.kind.is_none_or(|kind| kind == InvoiceKind::CreditNote);
    let mut conditions = vec![format!("t.type IN ({})", types.list(invoices, credits)), "t.posting = 'T'".to_owned()];
    if after > 0 {
        conditions.push(format!("t.id > {after}"));
    }
    // As the mapping has it: invoices say what is unpaid of them, credits what of them is unused, cash sales neither.
    let open = "(t.voided = 'F' AND (t.type IN ('CustInvc','VendBill') AND NVL(m.foreignamountunpaid, 0) <> 0 \
                OR t.type IN ('CustCred','VendCred') AND NVL(m.foreignpaymentamountunused, 0) <> 0))";
    match query.open {
        Some(true) => conditions.push(open.to_owned()),
        Some(false) => conditions.push(format!("NOT {open}")),
        None => {}
    }
    if let Some(date) = query.due_before {
        conditions.push(format!("t.duedate < {}", day(date)));
    }
    if let Some(date) = query.issued_from {
        conditions.push(format!("t.trandate >= {}", day(date)));
    }
    if let Some(date) = query.issued_to {
        conditions.push(format!("t.trandate <= {}", day(date)));
    }
    conditions.join(" AND ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::text;

    #[test]
    fn a_quote_in_a_value_stays_within_its_literal() {
        assert_eq!(text("O'Neil"), "'O''Neil'");
        assert_eq!(text("x') OR 1 = 1 --"), "'x'') OR 1 = 1 --'");
    }

    proptest! {
        #[test]
        fn a_literal_ends_where_it_should(value in ".{0,40}") {
            let literal = text(&value);
            let inside = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap();
            // No quote within stands alone, and undoubling gives the value back.
            prop_assert!(!inside.replace("''", "").contains('\''));
            prop_assert_eq!(inside.replace("''", "'"), value);
        }
    }
}
