//! The ports of an owner that adds up: what was invoiced, and what was spent and ordered.

use std::sync::Arc;

use async_trait::async_trait;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;

use super::read::{Query, Source};
use super::tables::{CURRENCIES, Entity};
use crate::domain::{Booked, CostKind, CostState, CostSum, FlawKind, ProjectId, Sum};
use crate::systems::declared::fields::Mapped;
use crate::systems::declared::map::{Reader, Setting};
use crate::systems::declared::path::Field;
use crate::systems::declared::row::{Reject, Row};
use crate::systems::declared::value::{Amount, Number, Text};
use crate::systems::{Batch, BatchResult, Call, CostSumSource, ErrorKind, InvoiceSumSource};

/// What was invoiced.
#[derive(Debug)]
pub(super) struct InvoiceSumPort {
    pub(super) source: Arc<Source>,
    pub(super) sums: Query,
}

/// Costs.
#[derive(Debug)]
pub(super) struct CostSumPort {
    pub(super) source: Arc<Source>,
    pub(super) sums: Query,
}

/// Columns of a query for what was invoiced.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invoiced {
    currency: Option<Field<Text>>,
    company_currency: Option<Field<Text>>,
    fields: InvoicedFields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InvoicedFields {
    /// Without tax, credit notes subtracted; NULL if one of the documents has none.
    net: Field<Amount>,
    company_net: Option<Field<Amount>>,
    /// How many documents.
    records: Field<Number>,
}

/// Columns of a query for sums of costs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spent {
    currency: Option<Field<Text>>,
    company_currency: Option<Field<Text>>,
    fields: SpentFields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpentFields {
    kind: Mapped<CostKind>,
    state: Option<Mapped<CostState>>,
    /// NULL if one of the costs has none.
    amount: Field<Amount>,
    company_amount: Option<Field<Amount>>,
    /// How many costs.
    records: Field<Number>,
}

impl Entity for Invoiced {
    const FIELDS: &'static [&'static str] = &["net", "company_net", "records"];
    const EXTRA: &'static [&'static str] = CURRENCIES;
    const WAY: Option<&'static str> = None;
}

impl Entity for Spent {
    const FIELDS: &'static [&'static str] = &["kind", "state", "amount", "company_amount", "records"];
    const EXTRA: &'static [&'static str] = CURRENCIES;
    const WAY: Option<&'static str> = None;
}

/// A sum. One that cannot be read is refused, as is one of no currency: a group of them all would hide the others.
fn sum(
    row: &Row<'_>,
    setting: Setting<'_>,
    (amount, company): (&Field<Amount>, Option<&Field<Amount>>),
    (currency, company_currency): (Option<&Field<Text>>, Option<&Field<Text>>),
    records: &Field<Number>,
) -> Result<Sum, Reject> {
    let mut r = Reader::new(row, setting);
    let (currency, company_currency) = (r.currency(currency), r.currency(company_currency));
    let amount: Booked = r.booked((Some(amount), "amount", currency), (company, "company_amount", company_currency));
    let records = r.number(Some(records), "records").and_then(|number| number.to_usize());
    let unread = r.flaws.iter().any(|flaw| flaw.kind != FlawKind::MissingCurrency);
    match records {
        Some(records) if !unread => Ok(Sum { amount, records }),
        _ => Err(Reject::new("a sum that cannot be read: its amounts are decimals, and `records` a whole number")),
    }
}

#[async_trait]
impl InvoiceSumSource for InvoiceSumPort {
    fn batch_limit(&self) -> usize {
        self.source.batch
    }

    async fn invoiced_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Sum>> {
        let read = |table: &Invoiced, row: &Row<'_>, _: &ProjectId| {
            let f = &table.fields;
            let currencies = (table.currency.as_ref(), table.company_currency.as_ref());
            sum(row, self.source.setting(), (&f.net, f.company_net.as_ref()), currencies, &f.records).map(Some)
        };
        let found = self.source.records(call, &self.sums, ids, read).await?;
        Ok(grouped(&self.source, &self.sums, ids, found, currency_of))
    }
}

#[async_trait]
impl CostSumSource for CostSumPort {
    fn batch_limit(&self) -> usize {
        self.source.batch
    }

    async fn cost_sums_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<CostSum>> {
        let setting = self.source.setting();
        let read = |table: &Spent, row: &Row<'_>, _: &ProjectId| {
            let (r, f) = (Reader::new(row, setting), &table.fields);
            let currencies = (table.currency.as_ref(), table.company_currency.as_ref());
            Ok(Some(CostSum {
                kind: r.word(Some(&f.kind), None).ok_or_else(|| Reject::new("a row without `kind`"))?,
                state: r.strict_word(f.state.as_ref(), Some(CostState::Actual), "state")?,
                sum: sum(row, setting, (&f.amount, f.company_amount.as_ref()), currencies, &f.records)?,
            }))
        };
        let found = self.source.records(call, &self.sums, ids, read).await?;
        let group = |sum: &CostSum| (sum.kind.clone(), sum.state, currency_of(&sum.sum));
        Ok(grouped(&self.source, &self.sums, ids, found, group))
    }
}

fn currency_of(sum: &Sum) -> Option<crate::domain::Currency> {
    sum.amount.document.map(|money| money.currency)
}

/// Each key with its sums. Two sums of one group are an error of that key: the query groups by more, or by less.
fn grouped<T, G: PartialEq>(
    source: &Source,
    query: &Query,
    ids: &[ProjectId],
    found: Vec<Vec<T>>,
    group: impl Fn(&T) -> G,
) -> Batch<ProjectId, Vec<T>> {
    let mut batch = Batch::default();
    for (id, sums) in ids.iter().zip(found) {
        let twice =
            sums.iter().enumerate().any(|(at, sum)| sums.iter().take(at).any(|other| group(other) == group(sum)));
        if twice {
            let why = "two sums of one group: group by project, currency, and kind and state if there are";
            batch.failed.insert(id.clone(), source.error(query.statement.operation, ErrorKind::BadResponse, why));
        } else {
            batch.found.insert(id.clone(), sums);
        }
    }
    batch
}
